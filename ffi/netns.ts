import { readdirSync, readlinkSync } from "node:fs";
import { SyscallError } from "./errno.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { cString, type Memory, putCString } from "./memory.ts";
import { AF_NETLINK, NETLINK_ROUTE, SOCK_CLOEXEC, SOCK_RAW } from "./netlink-socket.ts";

/** clone(2). */
const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0x80000;
const O_WRONLY = 1;
const O_NONBLOCK = 0x800;
const O_PATH = 0x200000;
/** ioctl_ns(2), _IO(0xb7, 3). */
const NS_GET_NSTYPE = 0xb703;
const OWN_NAMESPACE = "/proc/thread-self/ns/net";
const STDERR = 2;
const NO_WAY_HOME = "netdevd: a thread cannot come home from a container's namespace: it ends here\n";

/** Opens a file read-only for ourselves alone and waits for nothing, not even at a FIFO; the caller closes it with {@link closeFd}. */
export function openReadOnly(path: string): number {
  return checked("open", libc.open(cString(path).bytes, O_CLOEXEC | O_NONBLOCK, 0), path);
}

/**
 * Opens a file without opening it (open(2), O_PATH): no FIFO is waited for, no device driver is asked. Good
 * for looking at what it is.
 */
export function openPath(path: string): number {
  return checked("open", libc.open(cString(path).bytes, O_PATH | O_CLOEXEC, 0), path);
}

/** Closes an fd that one of the functions here opened. */
export function closeFd(fd: number): void {
  libc.close(fd);
}

/**
 * The network namespace that the calling thread is in, as an open fd.
 *
 * /proc/thread-self and not /proc/self: the latter is the main thread, whoever asks.
 */
export function openOwnNamespace(): number {
  return openReadOnly(OWN_NAMESPACE);
}

/** Whether `fd`, which has to be an fd of nsfs, is a network namespace (ioctl_ns(2), NS_GET_NSTYPE). */
export function isNetworkNamespace(fd: number): boolean {
  return checked("ioctl", libc.ioctl(fd, NS_GET_NSTYPE, 0), "NS_GET_NSTYPE") === CLONE_NEWNET;
}

/**
 * Makes an rtnetlink socket inside the namespace `target` from a thread that is in `home`.
 *
 * The one window in which this thread is elsewhere: three calls on integers and nothing between. Any
 * allocation, I/O or compilation here could start a helper thread, which would stay in the container's
 * namespace for good and hold it. The caller looks afterwards with {@link strayThreads}, and compares the
 * socket's cookie.
 *
 * A thread that cannot come home is of no use to anybody and harms by whatever it does next: abort(3).
 */
export function netlinkSocketIn(target: number, home: number): number {
  const entered = libc.setns(target, CLONE_NEWNET);
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const returned = libc.setns(home, CLONE_NEWNET);
  // Where it was not let out, as without CAP_SYS_ADMIN, it is at home all the same.
  if (entered >= 0 && returned < 0) abort(NO_WAY_HOME);
  // A successful call leaves errno alone, so this is still that of the one that failed.
  const errno = lastErrno();
  if (entered < 0) {
    if (fd >= 0) libc.close(fd);
    throw new SyscallError("setns", errno, `to the namespace of fd ${target}`);
  }
  if (fd < 0) throw new SyscallError("socket", errno, "AF_NETLINK");
  return fd;
}

/**
 * Opens a file of /proc/sys/net as it is in the namespace `target`, from a thread that is in `home`: which
 * namespace's settings such a file holds is decided by the thread that opens it (net_ctl_header_lookup()), once
 * and for all. The window is that of {@link netlinkSocketIn}.
 *
 * @param memory holds the name for libc; it has to stay reachable for as long as the call
 */
export function openIn(
  target: number,
  home: number,
  path: string,
  flags: "read" | "write",
  memory: Memory,
): number {
  putCString(memory, path);
  const { address } = memory;
  const mode = O_CLOEXEC | (flags === "write" ? O_WRONLY : 0);
  const entered = libc.setns(target, CLONE_NEWNET);
  const fd = libc.open(address, mode, 0);
  const returned = libc.setns(home, CLONE_NEWNET);
  if (entered >= 0 && returned < 0) abort(NO_WAY_HOME);
  const errno = lastErrno();
  if (entered < 0) {
    if (fd >= 0) libc.close(fd);
    throw new SyscallError("setns", errno, `to the namespace of fd ${target}`);
  }
  if (fd < 0) throw new SyscallError("open", errno, path);
  return fd;
}

/**
 * Makes a network namespace with nothing in it but lo (unshare(2)), from a thread that is in `home`, and gives it as
 * an fd, which is all that holds it. The window is that of {@link netlinkSocketIn}.
 *
 * @param memory holds a path for libc; it has to stay reachable for as long as the call
 */
export function makeNamespace(home: number, memory: Memory): number {
  putCString(memory, OWN_NAMESPACE);
  const { address } = memory;
  const made = libc.unshare(CLONE_NEWNET);
  const fd = libc.open(address, O_CLOEXEC, 0);
  const returned = libc.setns(home, CLONE_NEWNET);
  if (made >= 0 && returned < 0) abort(NO_WAY_HOME);
  const errno = lastErrno();
  if (made < 0) {
    // Home's own.
    if (fd >= 0) libc.close(fd);
    throw new SyscallError("unshare", errno, "CLONE_NEWNET");
  }
  if (fd < 0) throw new SyscallError("open", errno, OWN_NAMESPACE);
  return fd;
}

/** The last words are ours: what Bun prints of an abort takes it for a fault of its own. */
function abort(words: string): never {
  const { bytes } = cString(words);
  libc.write(STDERR, bytes, bytes.length - 1);
  libc.abort();
  throw new Error("abort() returned");
}

/** Makes an rtnetlink socket in the namespace that the calling thread is in. */
export function netlinkSocket(): number {
  return checked("socket", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "AF_NETLINK");
}

/** `net:[4026531840]`: how /proc spells the namespace of an fd or a thread. The number is reused at once. */
export function namespaceLink(path: string): string {
  return readlinkSync(path);
}

/**
 * Thread ids of this process that are not in the namespace `home` (as {@link namespaceLink} spells it).
 * Anything but an empty list means that a thread was started inside a window.
 */
export function strayThreads(home: string): number[] {
  const strays: number[] = [];
  for (const tid of readdirSync("/proc/self/task")) {
    let link: string;
    try {
      link = readlinkSync(`/proc/self/task/${tid}/ns/net`);
    } catch {
      // The thread has ended since the folder was read.
      continue;
    }
    if (link !== home) strays.push(Number(tid));
  }
  return strays;
}
