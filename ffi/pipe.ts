import { checked, libc } from "./libc.ts";
import { allocate } from "./memory.ts";
import { PollSet } from "./poll.ts";

const O_CLOEXEC = 0x80000;
/** fcntl(2). */
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** The two ends of a pipe(2), which both are the caller's to close. */
export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** Makes a pipe. */
export function openPipe(): Pipe {
  const { view, address } = allocate(8);
  checked("pipe2", libc.pipe2(address, O_CLOEXEC));
  return { readEnd: view.getInt32(0, true), writeEnd: view.getInt32(4, true) };
}

/** Waits until every write end of a pipe that nothing is written to has been closed; false: not within `timeout` ms. */
export function waitForHangup(readEnd: number, timeout: number): boolean {
  const set = new PollSet();
  set.add(readEnd);
  const end = performance.now() + timeout;
  for (;;) {
    const left = end - performance.now();
    if (left < 0) return false;
    // None of them also after a signal.
    if (set.wait(Math.ceil(left)).length > 0) return true;
  }
}

/** Has an fd that was inherited closed at the next execve(2); a SyscallError EBADF where it is none. */
export function closeAtExec(fd: number): void {
  checked("fcntl", libc.fcntl(fd, F_SETFD, FD_CLOEXEC), `fd ${fd}`);
}
