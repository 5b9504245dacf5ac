import type { Device } from "../domain/device.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { decodeAddress, getAddresses } from "../netlink/address.ts";
import type { Connection, Request } from "../netlink/connection.ts";
import { decodeLink, getLink, getLinkByName, getLinks } from "../netlink/link.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";

/** The device with this ifindex, or null. */
export function readDevice(connection: Connection, ifindex: number): Device | null {
  return one(connection, getLink(ifindex));
}

/** The device with this name or altname, or null. */
export function readDeviceByName(connection: Connection, name: string): Device | null {
  return one(connection, getLinkByName(name));
}

/** All devices of a namespace: for a container's, which has few. */
export function readDevices(connection: Connection): Device[] {
  return connection.dump(getLinks()).map((message) => decodeLink(message.payload));
}

/** A device with all that hangs on it, or null where there is none with this ifindex. */
export function readSnapshot(connection: Connection, ifindex: number, takenAt: number): Snapshot | null {
  const device = readDevice(connection, ifindex);
  if (device === null) return null;
  const addresses = connection
    .dump(getAddresses(ifindex))
    .map((message) => decodeAddress(message.payload))
    // A kernel that does not filter would tell of other devices' too.
    .filter((found) => found.ifindex === ifindex)
    .map((found) => found.address);
  return { device, addresses, takenAt };
}

function one(connection: Connection, request: Request): Device | null {
  try {
    const [reply] = connection.request(request);
    return reply === undefined ? null : decodeLink(reply.payload);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return null;
    throw error;
  }
}
