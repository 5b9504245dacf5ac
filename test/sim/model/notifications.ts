import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";

/**
 * The receive queue of a socket that subscribed to RTNLGRP_LINK.
 *
 * What does not fit is lost: the reader is told so once (ENOBUFS), then given what had fitted, and while it
 * has not read all of that, all that comes is lost too (NETLINK_S_CONGESTED).
 */
export interface Monitor {
  /** Takes in a notification. */
  deliver(datagram: Uint8Array): void;
  /** The oldest one, or null; SyscallError ENOBUFS after an overrun. */
  next(): Uint8Array | null;
}

/** @param capacity datagrams that fit */
export function createMonitor(capacity: number): Monitor {
  const queue: Uint8Array[] = [];
  let congested = false;
  let overrun = false;
  return {
    deliver(datagram) {
      if (!congested && queue.length < capacity) {
        queue.push(datagram);
        return;
      }
      overrun ||= !congested;
      congested = true;
    },
    next() {
      if (overrun) {
        overrun = false;
        throw new SyscallError("recvfrom", constants.errno.ENOBUFS, "AF_NETLINK");
      }
      const datagram = queue.shift() ?? null;
      if (queue.length === 0) congested = false;
      return datagram;
    },
  };
}
