import { SyscallError } from "../../ffi/errno.ts";
import type { Device } from "../domain/device.ts";
import type { Connection } from "../netlink/connection.ts";
import { DecodeError } from "../netlink/decode-error.ts";
import { decodeLink, getLinks } from "../netlink/link.ts";
import { decodeMessages } from "../netlink/message.ts";
import { RTM_DELLINK, RTM_NEWLINK } from "../netlink/uapi.ts";
import type { LinkMonitor } from "./system.ts";

/** struct ifinfomsg, ifi_family: RTM_NEWLINK of AF_BRIDGE tells of a port, and lacks most of the link. */
const AF_UNSPEC = 0;

/** The devices at home: dumped once, kept by RTNLGRP_LINK, so that no event pays for a dump. */
export interface DeviceTable {
  /**
   * Takes in all notifications that are there; the kernel queues them before it acknowledges a change.
   *
   * @returns whether there were any
   */
  refresh(): boolean;
  /** By ifindex. */
  readonly devices: ReadonlyMap<number, Device>;
}

/** A table that begins with a dump over `home`. `monitor` has to be subscribed before it is made. */
export function createDeviceTable(home: Connection, monitor: LinkMonitor): DeviceTable {
  const devices = new Map<number, Device>();

  function dump(): void {
    const links = home.dump(getLinks()).map((message) => decodeLink(message.payload));
    devices.clear();
    for (const device of links) devices.set(device.ifindex, device);
  }

  /** How many notifications were taken in; null after an overrun, which loses some for good. */
  function takeIn(): number | null {
    let taken = 0;
    try {
      for (let datagram = monitor.next(); datagram !== null; datagram = monitor.next()) {
        apply(datagram);
        taken += 1;
      }
      return taken;
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENOBUFS") return null;
      throw error;
    }
  }

  function apply(datagram: Uint8Array): void {
    for (const message of decodeMessages(datagram)) {
      if (message.payload[0] !== AF_UNSPEC) continue;
      if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) continue;
      const device = decodeLink(message.payload);
      if (message.type === RTM_NEWLINK) devices.set(device.ifindex, device);
      else devices.delete(device.ifindex);
    }
  }

  dump();
  return {
    devices,
    refresh() {
      try {
        const taken = takeIn();
        if (taken !== null) return taken > 0;
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
      // The rest of what is queued is older than the dump that follows, and is taken in before it.
      while (takeIn() === null);
      dump();
      return true;
    },
  };
}
