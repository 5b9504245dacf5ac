/** What came of a command that was run to its end. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest that any command of a test may take, milliseconds; it is killed then and its code is not 0. */
const COMMAND_TIMEOUT = 20_000;

/** Runs `argv` to its end with `input` on its stdin. */
export async function run(argv: readonly string[], input = ""): Promise<Output> {
  const child = Bun.spawn([...argv], {
    cwd: "/",
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
    timeout: COMMAND_TIMEOUT,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** Runs `argv` and gives its stdout; an exit code other than 0 is an error that holds its stderr. */
export async function mustRun(argv: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await run(argv, input);
  if (code !== 0) throw new Error(`${argv.join(" ")} exited ${code}: ${stderr.trim()}\n${input}`.trim());
  return stdout;
}
