import type { Path } from "./fault.ts";
import type { Table } from "./toml-value.ts";

/** One file of the config, read and parsed as TOML. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly table: Table;
}

/** What a rule refuses about a value: a {@link Finding} that does not know its file yet. */
export interface Refusal {
  readonly path: Path;
  /** Whether the key itself is wrong, or the value that it has. */
  readonly at: "key" | "value";
  /** What is wrong. */
  readonly message: string;
  /** What was expected in its place. */
  readonly expected: string;
}

/** The name of one value in one file. */
export interface Place {
  readonly source: Source;
  readonly path: Path;
}

/** A fault whose line is not known: TOML is parsed again, for its positions, only where there are any. */
export interface Finding extends Refusal {
  readonly source: Source;
  /** The place that `message` ends with, where there is another one to be named. */
  readonly other: Place | null;
}
