import { SyscallError } from "./errno.ts";
import { struct } from "./layout.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { allocate, type Memory } from "./memory.ts";

/** struct pollfd { int fd; short events; short revents; } */
const pollfd = struct("pollfd", { fd: "i32", events: "i16", revents: "i16" });
const POLLIN = 1;
const EINTR = 4;

/** A set of fds to wait on with poll(2). */
export class PollSet {
  readonly #fds: number[] = [];
  #memory: Memory = allocate(pollfd.size * 16);

  add(fd: number): void {
    this.#fds.push(fd);
    if (this.#fds.length * pollfd.size > this.#memory.bytes.length) {
      this.#memory = allocate(this.#memory.bytes.length * 2);
    }
  }

  remove(fd: number): void {
    const at = this.#fds.indexOf(fd);
    if (at >= 0) this.#fds.splice(at, 1);
  }

  /**
   * Blocks the calling thread until one of the fds is readable, has an error or was hung up.
   *
   * @param timeout milliseconds; -1: no limit
   * @returns the fds that are so; none after a signal or the timeout
   */
  wait(timeout: number): number[] {
    const { view, address } = this.#memory;
    for (const [at, fd] of this.#fds.entries()) pollfd.encode({ fd, events: POLLIN }, view, at * pollfd.size);
    const result = libc.poll(address, this.#fds.length, timeout);
    if (result < 0) {
      const errno = lastErrno();
      if (errno === EINTR) return [];
      throw new SyscallError("poll", errno);
    }
    if (result === 0) return [];
    return this.#fds.filter((_, at) => pollfd.decode(view, at * pollfd.size).revents !== 0);
  }
}

const counter = allocate(8);

/** Makes an eventfd readable (eventfd(2)). Safe from any thread. */
export function signalEventfd(fd: number): void {
  counter.view.setBigUint64(0, 1n, true);
  checked("write", libc.write(fd, counter.address, 8), "eventfd");
}

/** Makes an eventfd unreadable again. */
export function drainEventfd(fd: number): void {
  libc.read(fd, counter.address, 8);
}

/**
 * A test of whether an fd is readable now, for one after another: nothing is made anew for each. A poll that
 * a signal has cut short counts as no.
 */
export function createReadableTest(): (fd: number) => boolean {
  const { view, address } = allocate(pollfd.size);
  return (fd) => {
    pollfd.encode({ fd, events: POLLIN }, view, 0);
    return libc.poll(address, 1, 0) > 0;
  };
}
