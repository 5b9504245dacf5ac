import { SyscallError } from "../../ffi/errno.ts";
import type { Device } from "../domain/device.ts";
import type { Connection } from "../netlink/connection.ts";
import { DecodeError } from "../netlink/decode-error.ts";
import { decodeLink, getLinks, movedTo } from "../netlink/link.ts";
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
  /** The ifindex that a device which has left has got where it went, by the one it had; null: nobody has told. */
  departed(ifindex: number): number | null;
  /** The device that has left under this name, and that no other has come after; null: nobody has told of any. */
  left(name: string): Left | null;
}

/** A device that has left home for another namespace. */
export interface Left {
  /** As it was when it left, brought down already and the port of nobody any more. */
  readonly device: Device;
  /** What it has got where it went. */
  readonly ifindex: number;
}

/** Departures that are kept in mind: enough for those that are under way, few enough for any host. */
const DEPARTURES_KEPT = 1000;

/** A table that begins with a dump over `home`. `monitor` has to be subscribed before it is made. */
export function createDeviceTable(home: Connection, monitor: LinkMonitor): DeviceTable {
  const devices = new Map<number, Device>();
  const departures = new Map<number, number>();
  const named = new Map<string, Left>();
  let isWhole = true;

  function leaves(device: Device, there: number | null): void {
    devices.delete(device.ifindex);
    departures.delete(device.ifindex);
    if (there === null) return;
    putLast(departures, device.ifindex, there);
    putLast(named, device.name, { device, ifindex: there });
  }

  function comes(device: Device): void {
    devices.set(device.ifindex, device);
    departures.delete(device.ifindex);
    named.delete(device.name);
  }

  function dump(): void {
    const links = home.dump(getLinks()).map((message) => decodeLink(message.payload));
    devices.clear();
    // What has left may have come and gone again unseen, with other numbers.
    departures.clear();
    named.clear();
    for (const device of links) comes(device);
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
      if (message.type === RTM_NEWLINK) comes(device);
      else leaves(device, movedTo(message.payload));
    }
  }

  function refresh(): boolean {
    try {
      const taken = takeIn();
      if (taken !== null && isWhole) return taken > 0;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    // Until the dump has come: the kernel may refuse it now, and whoever asks next is not to be told of what was.
    isWhole = false;
    // The rest of what is queued is older than the dump that follows, and is taken in before it.
    while (takeIn() === null);
    dump();
    isWhole = true;
    return true;
  }

  dump();
  return {
    devices,
    refresh,
    departed: (ifindex) => departures.get(ifindex) ?? null,
    left: (name) => named.get(name) ?? null,
  };
}

/** Forgets the oldest where there are too many. */
function putLast<K, V>(departures: Map<K, V>, key: K, value: V): void {
  departures.delete(key);
  departures.set(key, value);
  const [oldest] = departures.keys();
  if (departures.size > DEPARTURES_KEPT && oldest !== undefined) departures.delete(oldest);
}
