import { checked, libc } from "../../ffi/libc.ts";
import { allocate, type Memory } from "../../ffi/memory.ts";
import { SOCK_CLOEXEC } from "../../ffi/netlink-socket.ts";
import {
  AF_UNIX,
  cmsghdr,
  iovec,
  msghdr,
  SCM_RIGHTS,
  SOCK_DGRAM,
  unixAddress,
} from "../../ffi/unix-datagram.ts";

const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const DATA_SIZE = 4096;
const CONTROL_SIZE = 2048;

/** A datagram as it arrived; whoever receives it closes the fds. */
export interface Received {
  readonly text: string;
  readonly fds: readonly number[];
}

/** Plays the service manager: a unix datagram socket bound to `path` (a leading `@`: abstract). */
export class DatagramReceiver {
  readonly path: string;
  readonly #fd: number;
  readonly #data: Memory = allocate(DATA_SIZE);
  readonly #control: Memory = allocate(CONTROL_SIZE);

  constructor(path: string) {
    this.path = path;
    this.#fd = checked("socket", libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const address = unixAddress(path);
    checked("bind", libc.bind(this.#fd, address, address.length), path);
  }

  /** The oldest datagram that is there; throws SyscallError EAGAIN where none is. */
  receive(): Received {
    const vector = allocate(iovec.size);
    iovec.encode({ iov_base: Number(this.#data.address), iov_len: DATA_SIZE }, vector.view, 0);
    const message = allocate(msghdr.size);
    msghdr.encode(
      {
        msg_iov: Number(vector.address),
        msg_iovlen: 1,
        msg_control: Number(this.#control.address),
        msg_controllen: CONTROL_SIZE,
      },
      message.view,
      0,
    );
    const result = libc.recvmsg(this.#fd, message.bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const length = checked("recvmsg", result, this.path);
    return {
      text: new TextDecoder().decode(this.#data.bytes.subarray(0, length)),
      fds: this.#fdsOf(msghdr.decode(message.view, 0).msg_controllen),
    };
  }

  #fdsOf(controlLength: number): number[] {
    if (controlLength === 0) return [];
    const { view } = this.#control;
    const header = cmsghdr.decode(view, 0);
    if (header.cmsg_type !== SCM_RIGHTS) throw new Error(`a control message of type ${header.cmsg_type}`);
    const fds: number[] = [];
    for (let at = cmsghdr.size; at < header.cmsg_len; at += 4) fds.push(view.getInt32(at, true));
    return fds;
  }

  [Symbol.dispose](): void {
    libc.close(this.#fd);
  }
}
