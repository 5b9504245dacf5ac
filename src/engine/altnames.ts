import type { Device } from "../domain/device.ts";
import { isLiteral } from "../domain/glob.ts";
import type { Selector } from "../domain/mapping.ts";
import type { Connection } from "../netlink/connection.ts";
import { readDeviceByName, readDevices } from "./reader.ts";

/**
 * Of `devices`, those at home as far as they are known, the ones that a selector may ask for. Where it goes by
 * altname the kernel is asked: of an altname that comes or goes on a device which is down it tells nobody
 * (netdev_state_change() in net/core/dev.c), and the table does not have it.
 */
export function withAltnames(
  connection: Connection,
  devices: ReadonlyMap<number, Device>,
  { altname }: Selector,
): ReadonlyMap<number, Device> {
  if (altname === null) return devices;
  const found = isLiteral(altname) ? [readDeviceByName(connection, altname)] : readDevices(connection);
  return new Map(found.flatMap((device) => (device === null ? [] : [[device.ifindex, device]])));
}
