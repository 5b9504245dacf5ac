import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";

/** Whoever is told of links in a namespace. */
export interface Listener {
  /** Takes in a notification. */
  deliver(datagram: Uint8Array): void;
}

/**
 * The receive queue of a socket that subscribed to RTNLGRP_LINK.
 *
 * What does not fit is lost: the reader is told so once (ENOBUFS), then given what had fitted, and while it
 * has not read all of that, all that comes is lost too (NETLINK_S_CONGESTED).
 */
export interface Monitor extends Listener {
  /** The oldest one, or null; SyscallError ENOBUFS after an overrun. */
  next(): Uint8Array | null;
  /** Whether there is something to be read. */
  isReady(): boolean;
}

/**
 * @param capacity datagrams that fit
 * @param passes what is not dropped before it is queued (socket(7), SO_ATTACH_FILTER)
 */
export function createMonitor(capacity: number, passes = (_: Uint8Array): boolean => true): Monitor {
  const queue: Uint8Array[] = [];
  let congested = false;
  let overrun = false;
  return {
    deliver(datagram) {
      if (!passes(datagram)) return;
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
    isReady: () => overrun || queue.length > 0,
  };
}
