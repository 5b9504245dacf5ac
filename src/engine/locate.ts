import { type Device, type Identity, mayBe } from "../domain/device.ts";
import type { Located } from "../domain/plan.ts";
import type { Place } from "../domain/step.ts";
import type { Connection } from "../netlink/connection.ts";
import { readDevice, readDevices, readSnapshot } from "./reader.ts";

/** What is known of a device that is to be found again. Never its name: a name is a label. */
export interface Wanted {
  readonly identity: Identity;
  /** Its ifindex inside, where it has been seen there. */
  readonly insideIfindex: number | null;
  /** Its ifindex at home, before it was taken. */
  readonly homeIfindex: number;
}

/** The two namespaces that a device goes between; null: the container's cannot be reached any more. */
export type Connections = { readonly home: Connection; readonly inside: Connection | null };

/** Where to look. `home` is what is at home now. */
export interface Places {
  readonly connections: Connections;
  readonly home: Iterable<Device>;
  now(): number;
}

/**
 * Finds a device in one of two namespaces, whatever it is called there by now, or null.
 *
 * An ifindex that it had in a namespace names it there for as long as it stays: the container may have
 * renamed it and given it another MAC. Without one, only a device that nobody could have touched counts.
 */
export function locate(places: Places, wanted: Wanted): Located | null {
  const { inside, home } = places.connections;
  const { identity, insideIfindex, homeIfindex } = wanted;
  if (inside !== null && insideIfindex !== null) {
    const device = readDevice(inside, insideIfindex);
    if (device !== null && mayBe(identity, device, false)) return locatedAt(places, "inside", inside, device);
  }
  const kept = readDevice(home, homeIfindex);
  if (kept !== null && mayBe(identity, kept, true)) return locatedAt(places, "home", home, kept);
  if (inside !== null) {
    const within = readDevices(inside).find((device) => mayBe(identity, device, true));
    if (within !== undefined) return locatedAt(places, "inside", inside, within);
  }
  const back = Array.from(places.home).find((device) => mayBe(identity, device, true));
  return back === undefined ? null : locatedAt(places, "home", home, back);
}

function locatedAt(places: Places, place: Place, connection: Connection, device: Device): Located | null {
  const snapshot = readSnapshot(connection, device.ifindex, places.now());
  return snapshot === null ? null : { place, snapshot };
}
