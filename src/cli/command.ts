/** One command of the program. */
export interface Command {
  /** How it is called: `plan EVENT.json [--json]`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for `COMMAND --help`, exit codes included. */
  readonly details: string;
  /** Carries it out; gives the exit code. A {@link UsageError} exits 2. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line is not one of the program's. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
