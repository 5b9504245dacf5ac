import type { Device } from "./device.ts";
import { firstFree } from "./interface-name.ts";
import type { Snapshot } from "./snapshot.ts";

/** What a device is called at home while its own name is another's. */
const STAND_IN = "netdevd%d";

/** Whether a device is called as {@link withFreeNames} calls one whose own name is another's. */
export function isStandIn(name: string): boolean {
  return /^netdevd\d+$/.test(name);
}

/**
 * `snapshot` with a name and altnames that no other device has: its own where they are free, the first free
 * `netdevd0`, `netdevd1`, … where the name is taken; altnames that are taken are left out.
 *
 * @param others the devices at home but itself
 */
export function withFreeNames(snapshot: Snapshot, others: readonly Device[]): Snapshot {
  const { device } = snapshot;
  const taken = new Set(others.flatMap((other) => [other.name, ...other.altnames]));
  const name = taken.has(device.name) ? firstFree(STAND_IN, [taken]) : device.name;
  const altnames = device.altnames.filter((altname) => !taken.has(altname));
  return { ...snapshot, device: { ...device, name, altnames } };
}
