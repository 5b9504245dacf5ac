import type fs from "node:fs";

/**
 * What the spool asks of the file system. `node:fs` is one; a test passes one whose disk is full.
 *
 * The calls are the synchronous ones: each takes microseconds on tmpfs, less than a promise would.
 */
export type Files = Pick<
  typeof fs,
  | "closeSync"
  | "fchmodSync"
  | "fstatSync"
  | "lstatSync"
  | "mkdirSync"
  | "openSync"
  | "readSync"
  | "readdirSync"
  | "renameSync"
  | "rm"
  | "unlinkSync"
  | "writeFileSync"
>;

/** Something that went wrong and is told once, where it does not stop the spool. */
export interface Trouble {
  /** What was tried, on which path, and what that means for the user. */
  readonly message: string;
  readonly cause: unknown;
}

/** The errno name ("ENOENT") of what a file call threw, or null where it was something else. */
export function errnoName(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** The kernel's words for what a file call threw: "ENOSPC: no space left on device". */
export function kernelWords(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, [a-z]+( '.*)?$/s, "");
}

const RESOURCES = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS", "EXDEV"]);

/**
 * Whether an errno speaks of the machine (a full disk, no free fd) and not of the one file that was
 * asked for: such a call is made again later, and the file is not blamed.
 */
export function isShortage(error: unknown): boolean {
  const name = errnoName(error);
  return name !== null && RESOURCES.has(name);
}

/** What kind of file this is, as a person calls it. */
export function kindOf(stats: Pick<fs.BigIntStats, KindTest>): string {
  if (stats.isFile()) return "a regular file";
  if (stats.isDirectory()) return "a folder";
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

type KindTest = "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket";
