import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SyscallError } from "../../ffi/errno.ts";
import { lockFile } from "../../ffi/process.ts";

/** The state folder is ours for as long as this lives; the kernel lets go of it when we die. */
export type StateLock = Disposable;

/** The lock, or who has it: its pid where the file tells. */
export type Locked =
  | { readonly ok: true; readonly lock: StateLock }
  | { readonly ok: false; readonly by: string };

/** Who has, or had, the lock of a state folder: its pid where the file tells. */
export function lockedBy(folder: string): number | null {
  try {
    const pid = Number(readFileSync(join(folder, "lock"), "utf8").trim());
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/** Takes the exclusive lock of a state folder (flock(2) of its file `lock`). Throws where it cannot be made. */
export function takeLock(folder: string): Locked {
  const path = join(folder, "lock");
  const fd = openSync(path, "a+", 0o600);
  try {
    lockFile(fd);
  } catch (error) {
    closeSync(fd);
    if (!(error instanceof SyscallError && error.code === "EAGAIN")) throw error;
    const pid = readFileSync(path, "utf8").trim();
    return { ok: false, by: pid === "" ? "a process that did not say which" : `pid ${pid}` };
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { ok: true, lock: { [Symbol.dispose]: () => closeSync(fd) } };
}
