import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";

/** madvise(2): for a private mapping of a file, later accesses read the file's pages again. */
const MADV_DONTNEED = 4;

/**
 * Lets go of the pages of this program's files that are in memory only because something once ran through
 * them: those of read-only mappings that nobody has written to. They stay in the page cache, and what is
 * needed again is mapped again by a minor fault.
 *
 * Starting Bun with a Worker, SQLite and a server touches some 40 MB of its executable; going on takes 10.
 */
export function dropFilePages(): void {
  for (const { start, end, permissions, inode, written } of mappings()) {
    if (inode === "0" || written || permissions.includes("w") || permissions.includes("s")) continue;
    libc.madvise(start, end - start, MADV_DONTNEED);
  }
}

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly inode: string;
  /** Holds pages of our own, relocated by the linker or otherwise changed: they would be lost. */
  written: boolean;
}

/** proc(5), /proc/pid/smaps: a header line for each mapping, then its counters in kB. */
function mappings(): Mapping[] {
  const found: Mapping[] = [];
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const header = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/.exec(line);
    if (header !== null) {
      const [, start = "", end = "", permissions = "", inode = ""] = header;
      const range = { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) };
      found.push({ ...range, permissions, inode, written: false });
    } else if (/^(Anonymous|Private_Dirty|Shared_Dirty):\s+[1-9]/.test(line)) {
      const last = found.at(-1);
      if (last !== undefined) last.written = true;
    }
  }
  return found;
}
