import { SyscallError } from "./errno.ts";
import { struct } from "./layout.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { allocate } from "./memory.ts";

const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const EINTR = 4;
/** What is ready beyond this is told by the next look: it is ready still. */
const EVENTS = 64;

/** struct epoll_event { __u32 events; __u64 data; } EPOLL_PACKED, which is so on x86-64 alone; the data is an fd. */
const epoll_event =
  process.arch === "x64"
    ? struct("epoll_event", { events: "u32", fd: "i32", __pad: "u32" })
    : struct("epoll_event", { events: "u32", __pad1: "u32", fd: "i32", __pad2: "u32" });

/** Many fds as one (epoll(7)): {@link ReadySet.fd} is readable while one of them is. */
export class ReadySet {
  readonly fd = checked("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC));
  readonly #events = allocate(epoll_event.size * EVENTS);

  /** An fd that is in it has to be removed before it is closed. */
  add(fd: number): void {
    const event = allocate(epoll_event.size);
    epoll_event.encode({ events: EPOLLIN, fd }, event.view, 0);
    checked("epoll_ctl", libc.epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, event.address), `add fd ${fd}`);
  }

  remove(fd: number): void {
    checked("epoll_ctl", libc.epoll_ctl(this.fd, EPOLL_CTL_DEL, fd, null), `remove fd ${fd}`);
  }

  /** Those that are readable now, {@link EVENTS} of them at most; none where a signal has cut the look short. */
  ready(): number[] {
    const { view, address } = this.#events;
    const count = libc.epoll_wait(this.fd, address, EVENTS, 0);
    if (count < 0) {
      const errno = lastErrno();
      if (errno === EINTR) return [];
      throw new SyscallError("epoll_wait", errno);
    }
    return Array.from({ length: count }, (_, at) => epoll_event.decode(view, at * epoll_event.size).fd);
  }

  [Symbol.dispose](): void {
    libc.close(this.fd);
  }
}
