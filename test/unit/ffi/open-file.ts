import { readFileSync } from "node:fs";

/** O_CLOEXEC and O_PATH of x86-64 and arm64 (asm-generic/fcntl.h), as /proc writes them. */
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

/** The flags of an open file of this process (proc_pid_fdinfo(5)). */
export function flagsOf(fd: number): number {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
  if (flags === undefined) throw new Error(`/proc tells no flags of fd ${fd}`);
  return Number.parseInt(flags, 8);
}
