import { SyscallError } from "./errno.ts";
import { alignUp, struct } from "./layout.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { allocate, type Memory } from "./memory.ts";
import { SOCK_CLOEXEC, SOL_SOCKET } from "./netlink-socket.ts";

/** struct iovec { void *iov_base; size_t iov_len; } */
export const iovec = struct("iovec", { iov_base: "u64", iov_len: "u64" });

/** struct msghdr of recvmsg(2), as 64-bit glibc has it. */
export const msghdr = struct("msghdr", {
  msg_name: "u64",
  msg_namelen: "u32",
  msg_iov: "u64",
  msg_iovlen: "u64",
  msg_control: "u64",
  msg_controllen: "u64",
  msg_flags: "i32",
});

/** struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; }; the data follows it (cmsg(3)). */
export const cmsghdr = struct("cmsghdr", { cmsg_len: "u64", cmsg_level: "i32", cmsg_type: "i32" });

/** struct timeval { time_t tv_sec; suseconds_t tv_usec; } */
const timeval = struct("timeval", { tv_sec: "u64", tv_usec: "u64" });

export const AF_UNIX = 1;
export const SOCK_DGRAM = 2;
export const SCM_RIGHTS = 1;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
const EINTR = 4;

/** sizeof sun_path (unix(7)); a path needs its NUL in it, an abstract name does not. */
const SUN_PATH_SIZE = 108;
/** A full receiver blocks the sender: one that has stopped reading is given up after this. */
const SEND_TIMEOUT_S = 1;

/**
 * struct sockaddr_un of a path or, with a leading `@`, of an abstract name (unix(7)).
 *
 * Throws a RangeError where it does not fit.
 */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const abstract = path.startsWith("@");
  const name = new TextEncoder().encode(abstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > SUN_PATH_SIZE) {
    throw new RangeError(`the socket path ${path} takes ${name.length} bytes, over ${SUN_PATH_SIZE}`);
  }
  const address = new Uint8Array(2 + name.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}

/**
 * Sends one datagram to the unix socket at `path`, and with it duplicates of `fds` (SCM_RIGHTS).
 *
 * Throws a SyscallError: ENOENT and ECONNREFUSED where nobody receives, EAGAIN where the receiver has not
 * made room within a second, EBADF for an fd that is none, EINVAL for more than 253 of them (SCM_MAX_FD).
 */
export function sendUnixDatagram(path: string, data: Uint8Array, fds: readonly number[] = []): void {
  const message = messageTo(unixAddress(path), data, fds);
  const socket = checked("socket", libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "AF_UNIX");
  try {
    const timeout = allocate(timeval.size);
    timeval.encode({ tv_sec: SEND_TIMEOUT_S }, timeout.view, 0);
    const limited = libc.setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, timeout.bytes, timeval.size);
    checked("setsockopt", limited, "SO_SNDTIMEO");
    for (;;) {
      if (libc.sendmsg(socket, message.bytes, MSG_NOSIGNAL) >= 0) return;
      const errno = lastErrno();
      if (errno !== EINTR) throw new SyscallError("sendmsg", errno, path);
    }
  } finally {
    libc.close(socket);
  }
}

/** A msghdr, and after it in the same memory all that it points at: nothing else has to be kept alive. */
function messageTo(address: Uint8Array, data: Uint8Array, fds: readonly number[]): Memory {
  const vector = msghdr.size;
  const name = vector + iovec.size;
  // CMSG_LEN: the last header is not padded; CMSG_SPACE, which the buffer has to have, is.
  const controlLength = fds.length === 0 ? 0 : cmsghdr.size + 4 * fds.length;
  const control = alignUp(name + address.length, 8);
  const payload = control + alignUp(controlLength, 8);
  const memory = allocate(payload + data.length);
  const { bytes, view } = memory;
  const at = (offset: number): number => Number(memory.address) + offset;
  msghdr.encode(
    {
      msg_name: at(name),
      msg_namelen: address.length,
      msg_iov: at(vector),
      msg_iovlen: 1,
      msg_control: controlLength === 0 ? 0 : at(control),
      msg_controllen: alignUp(controlLength, 8),
    },
    view,
    0,
  );
  iovec.encode({ iov_base: at(payload), iov_len: data.length }, view, vector);
  bytes.set(address, name);
  if (controlLength > 0) {
    cmsghdr.encode({ cmsg_len: controlLength, cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }, view, control);
    for (const [index, fd] of fds.entries()) view.setInt32(control + cmsghdr.size + 4 * index, fd, true);
  }
  bytes.set(data, payload);
  return memory;
}
