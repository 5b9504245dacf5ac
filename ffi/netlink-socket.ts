import { SyscallError } from "./errno.ts";
import { driverOf } from "./ethtool.ts";
import { struct } from "./layout.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { allocate, type Memory } from "./memory.ts";
import { attachFilter, type Instruction } from "./socket-filter.ts";

/** struct sockaddr_nl { sa_family_t nl_family; unsigned short nl_pad; __u32 nl_pid; __u32 nl_groups; } */
export const sockaddr_nl = struct("sockaddr_nl", {
  nl_family: "u16",
  nl_pad: "u16",
  nl_pid: "u32",
  nl_groups: "u32",
});

/** struct timeval { long tv_sec; long tv_usec; } */
const timeval = struct("timeval", { tv_sec: "u64", tv_usec: "u64" });

export const AF_NETLINK = 16;
export const NETLINK_ROUTE = 0;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0x80000;
export const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const SO_NETNS_COOKIE = 71;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;

/** Larger than any reply: a dump's reads are at most 32 KiB, a single GETLINK without VFs far below that. */
const RECEIVE_SIZE = 128 * 1024;
/** The kernel answers inside sendmsg: whoever waits this long waits for an answer that never comes. */
const RECEIVE_TIMEOUT_S = 10;
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/**
 * An rtnetlink socket of one network namespace. It stays in the namespace that it was made in, and holds it.
 *
 * Strict checking and extended acks are required, not asked for: without them a kernel ignores filters and
 * names no reason (netlink(7); NETLINK_GET_STRICT_CHK is there since Linux 4.20).
 */
export class NetlinkSocket {
  readonly fd: number;
  readonly #receive: Memory;
  readonly #sender: Memory = allocate(sockaddr_nl.size);
  readonly #senderLength: Memory = allocate(4);
  #open = true;

  /**
   * @param fd an AF_NETLINK socket, which this object owns from here on
   * @param options.groups RTMGRP_* bits to subscribe to
   * @param options.filter drops what it says no to; see {@link attachFilter}
   * @param options.receive where datagrams are read to; all sockets of a thread may share one, see
   *   {@link receiveMemory}
   */
  constructor(
    fd: number,
    options: {
      readonly groups: number;
      readonly filter?: readonly Instruction[];
      readonly receive: Memory;
    },
  ) {
    this.fd = fd;
    this.#receive = options.receive;
    try {
      // Before it hears anything.
      if (options.filter !== undefined) attachFilter(fd, options.filter);
      const address = allocate(sockaddr_nl.size);
      sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_groups: options.groups }, address.view, 0);
      checked("bind", libc.bind(fd, address.address, sockaddr_nl.size), "AF_NETLINK");
      setInt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, "NETLINK_EXT_ACK");
      setInt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, "NETLINK_GET_STRICT_CHK");
      setInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER, "SO_RCVBUFFORCE");
      const timeout = allocate(timeval.size);
      timeval.encode({ tv_sec: RECEIVE_TIMEOUT_S }, timeout.view, 0);
      const result = libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout.address, timeval.size);
      checked("setsockopt", result, "SO_RCVTIMEO");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Sends one datagram to the kernel. Blocks for as long as the kernel takes to carry it out. */
  send(datagram: Uint8Array<ArrayBuffer>): void {
    checked("sendto", libc.sendto(this.fd, datagram, datagram.length, 0, null, 0), "AF_NETLINK");
  }

  /** The next datagram from the kernel; throws SyscallError EAGAIN where none comes in ten seconds. */
  receive(): Uint8Array<ArrayBuffer> {
    for (;;) {
      const datagram = this.#receiveWith(0);
      if (datagram instanceof Uint8Array) return datagram;
    }
  }

  /** The next datagram that is there already, or null. Throws SyscallError ENOBUFS after an overrun. */
  receiveNow(): Uint8Array<ArrayBuffer> | null {
    for (;;) {
      const datagram = this.#receiveWith(MSG_DONTWAIT);
      if (datagram !== "again") return datagram;
    }
  }

  /** null: nothing is there (MSG_DONTWAIT); "again": a signal came, or the sender was not the kernel. */
  #receiveWith(flags: number): Uint8Array<ArrayBuffer> | null | "again" {
    this.#senderLength.view.setUint32(0, sockaddr_nl.size, true);
    const { address } = this.#receive;
    const sender = this.#sender.address;
    const length = Number(
      libc.recvfrom(this.fd, address, RECEIVE_SIZE, flags | MSG_TRUNC, sender, this.#senderLength.address),
    );
    if (length < 0) {
      const errno = lastErrno();
      if (errno === EINTR) return "again";
      if (errno === EAGAIN && flags === MSG_DONTWAIT) return null;
      throw new SyscallError("recvfrom", errno, "AF_NETLINK");
    }
    if (length > RECEIVE_SIZE)
      throw new Error(`a netlink datagram of ${length} bytes is over ${RECEIVE_SIZE}`);
    // Any process may send to a netlink port; only the kernel's is 0 (netlink(7), nl_pid).
    if (sockaddr_nl.decode(this.#sender.view, 0).nl_pid !== 0) return "again";
    return this.#receive.bytes.slice(0, length);
  }

  /** SO_NETNS_COOKIE: which namespace this socket belongs to, unique for as long as the kernel runs. */
  cookie(): string {
    const value = allocate(8);
    const length = allocate(4);
    length.view.setUint32(0, 8, true);
    const result = libc.getsockopt(this.fd, SOL_SOCKET, SO_NETNS_COOKIE, value.address, length.address);
    checked("getsockopt", result, "SO_NETNS_COOKIE");
    return value.view.getBigUint64(0, true).toString();
  }

  /** What drives a device of this namespace; see {@link driverOf}. */
  driver(name: string): string | null {
    return driverOf(this.fd, name);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    libc.close(this.fd);
  }
}

/** Memory for any datagram that the kernel sends. */
export function receiveMemory(): Memory {
  return allocate(RECEIVE_SIZE);
}

function setInt(fd: number, level: number, option: number, value: number, name: string): void {
  const memory = allocate(4);
  memory.view.setInt32(0, value, true);
  checked("setsockopt", libc.setsockopt(fd, level, option, memory.address, 4), name);
}
