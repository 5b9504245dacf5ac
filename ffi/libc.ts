import { dlopen, FFIType, read } from "bun:ffi";
import { SyscallError } from "./errno.ts";

/**
 * The C library: the one dlopen of the project and its only module state. Signatures are those of the man
 * pages; ssize_t is `i64_fast` (a plain number, -1 included), pointers are numbers of ffi/memory.ts.
 */
export const libc = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: "ptr" },
  abort: { args: [], returns: "void" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "u64"], returns: "i32" },
  madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
  mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: FFIType.i64_fast },
  recvfrom: { args: ["i32", "ptr", "u64", "i32", "ptr", "ptr"], returns: FFIType.i64_fast },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: FFIType.i64_fast },
  setns: { args: ["i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  syscall: { args: ["i64", "i64", "i64", "i64", "i64"], returns: FFIType.i64_fast },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: FFIType.i64_fast },
}).symbols;

/** Of this thread: a Worker evaluates this module again and gets its own. It never moves. */
const errnoAddress = libc.__errno_location();

/**
 * The result of a libc call, or a {@link SyscallError} where it was negative:
 * `checked("socket", libc.socket(…))`.
 *
 * errno is read here, as the very next thing after the call; anything in between that fails inside libc
 * would overwrite it.
 *
 * @param subject what the call was about, for the message: a path, a pid, a device
 */
export function checked(call: string, result: number | bigint, subject?: string): number {
  if (result >= 0) return Number(result);
  throw new SyscallError(call, lastErrno(), subject);
}

/** errno of this thread; of use only right after a call that failed. */
export function lastErrno(): number {
  if (errnoAddress === null) throw new Error("__errno_location() gave no address");
  return read.i32(errnoAddress, 0);
}
