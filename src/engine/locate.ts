import { isStandIn } from "../domain/clash.ts";
import { type Device, type Identity, isHardware, mayBe } from "../domain/device.ts";
import type { Located } from "../domain/plan.ts";
import type { Place } from "../domain/step.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Aspects } from "./aspects.ts";
import { readDevice, readDevices, readSnapshot } from "./reader.ts";
import type { SysctlFiles } from "./sysctls.ts";

/**
 * What others that are ours as well are known by inside: their numbers, or where these are not known their MACs; and what
 * has no MAC by the name that it is being moved there under, once it has left home.
 */
export interface Others {
  readonly numbers: readonly number[];
  readonly macs: readonly (string | null)[];
  readonly coming: readonly { readonly name: string; readonly homeIfindex: number }[];
}

/** What is known of a device that is to be found again. */
export interface Wanted {
  readonly identity: Identity;
  /** Its ifindex inside, where it has been seen there. */
  readonly insideIfindex: number | null;
  readonly others: Others;
  /**
   * Whether one will do that has its number inside alone or, where it was never seen there, its name alone; or its number
   * at home and one of its names.
   */
  readonly guess?: true;
  /** Its ifindex at home, when it was last seen there. */
  readonly homeIfindex: number;
  /** What it was called at home, and then what it was to be called inside. */
  readonly names: readonly string[];
  /** What is read of it, by where it is found. */
  readonly aspects: Readonly<Record<Place, Aspects>>;
}

/** The two namespaces that a device goes between; null: the container's cannot be reached any more. */
export type Connections = { readonly home: Connection; readonly inside: Connection | null };

/** Where to look. `home` is what is at home now. */
export interface Places {
  readonly connections: Connections;
  readonly files: Readonly<Record<Place, SysctlFiles>>;
  readonly home: Iterable<Device>;
  /** See `DeviceTable`. */
  departed(ifindex: number): number | null;
  now(): number;
}

/**
 * Finds a device in one of two namespaces, whatever it is called there by now, or null.
 *
 * An ifindex that it had in a namespace names it there for as long as it stays: the container may have
 * renamed it and given it another MAC. At home an ifindex may be another's by now: there its MAC counts, and
 * last of all its name; hardware is known by what nobody can change. Where it has never been seen inside, the
 * ifindex that it had at home is the last clue.
 */
export function locate(places: Places, sought: Wanted): Located | null {
  const { inside, home } = places.connections;
  const devices = Array.from(places.home);
  const wanted = { ...sought, others: withoutThoseAt(devices, sought.others) };
  const { identity, insideIfindex, homeIfindex, names, aspects, guess } = wanted;
  const [own = ""] = names;
  const isNameTaken = devices.some(({ name, altnames }) => name === own || altnames.includes(own));
  const standIns = isNameTaken || !identity.macs.includes(null);
  const isOneOf = (device: Device, called: readonly string[]) =>
    mayBe(identity, device, true) && isToldApart(device, identity, called, standIns);
  const number = insideIfindex ?? places.departed(homeIfindex);
  const there = inside === null || number === null ? null : deviceAt(inside, number, wanted);
  if (inside !== null && there !== null && isLike(there, wanted))
    return locatedAt(places, "inside", inside, there, aspects);
  const kept = readDevice(home, homeIfindex);
  if (kept !== null && mayBe(identity, kept, true)) return locatedAt(places, "home", home, kept, aspects);
  if (inside !== null && there !== null)
    return guess === true ? locatedAt(places, "inside", inside, there, aspects) : null;
  if (inside !== null) {
    const left = readDevices(inside).filter((device) => !isAnother(device, wanted));
    const within = mostAlike(left, (device) => isOneOf(device, names), names, homeIfindex);
    if (within !== undefined) return locatedAt(places, "inside", inside, within, aspects);
  }
  // What has no MAC is too easily taken for another: at home its own name alone will do, and that only where somebody
  // has its number, which it would have been given.
  const hasMac = !identity.macs.includes(null);
  const atHome = hasMac ? names : names.slice(0, 1);
  const mayHaveComeBack = hasMac || isHardware(identity) || kept !== null;
  const back = mayHaveComeBack ? mostAlike(devices, (device) => isOneOf(device, atHome), atHome) : undefined;
  if (back !== undefined) return locatedAt(places, "home", home, back, aspects);
  // Moved and changed before anybody looked. Whose number there is known is not there any more.
  const unseen =
    inside === null || number !== null
      ? []
      : readDevices(inside).filter((device) => mayBe(identity, device, false) && !isAnother(device, wanted));
  const byMac = onlyOne(unseen.filter((device) => device.mac !== null && mayBe(identity, device, true)));
  if (inside !== null && byMac !== undefined) return locatedAt(places, "inside", inside, byMac, aspects);
  if (guess !== true) return null;
  // Given another MAC inside between the last look and the move, and nobody looked again.
  const isNamesake = kept !== null && names.includes(kept.name) && mayBe(identity, kept, false);
  if (isNamesake) return locatedAt(places, "home", home, kept, aspects);
  if (inside === null) return null;
  // It has kept its number where that was free, or its name.
  const found =
    unseen.find(({ ifindex }) => ifindex === homeIfindex) ?? unseen.find(({ name }) => name === names.at(-1));
  return found === undefined ? null : locatedAt(places, "inside", inside, found, aspects);
}

/**
 * What has its number inside, and may be the one. A number that was freed there is the next one's that comes, which may be
 * another one of ours that is not on record with it yet.
 */
function deviceAt(inside: Connection, number: number, wanted: Wanted): Device | null {
  if (wanted.others.numbers.includes(number)) return null;
  const device = readDevice(inside, number);
  if (device === null || !mayBe(wanted.identity, device, false)) return null;
  return isAnother(device, wanted) ? null : device;
}

/** Whoever is at home still is not on its way, whatever somebody inside is called. */
function withoutThoseAt(home: readonly Device[], others: Others): Others {
  const coming = others.coming.filter(
    ({ homeIfindex }) => !home.some(({ ifindex }) => ifindex === homeIfindex),
  );
  return { ...others, coming };
}

/** Whether it is known to be another one of ours. */
function isAnother({ ifindex, mac, name }: Device, { identity, others }: Wanted): boolean {
  if (others.numbers.includes(ifindex)) return true;
  if (mac === null) return others.coming.some((other) => other.name === name);
  return !identity.macs.includes(mac) && others.macs.includes(mac);
}

/**
 * What has not kept its MAC may be one of the container's own, though it has the number and the name: ours is looked for
 * everywhere else before.
 */
function isLike(device: Device, { identity, names }: Wanted): boolean {
  if (device.mac === null && !isHardware(identity)) return names.includes(device.name);
  return mayBe(identity, device, true);
}

/** What there is one of; of several it is not known which. */
function onlyOne(devices: readonly Device[]): Device | undefined {
  return devices.length === 1 ? devices[0] : undefined;
}

/**
 * Of those that fit, one that is called as it was: all ports of a switch have one place, and may have no MAC of their own.
 *
 * @param number which the kernel leaves it where that is free: of several that are called so, one that has it
 */
function mostAlike(
  devices: readonly Device[],
  fits: (device: Device) => boolean,
  names: readonly string[],
  number: number | null = null,
): Device | undefined {
  const all = devices.filter(fits);
  const named = all.filter(({ name }) => names.includes(name));
  return named.find(({ ifindex }) => ifindex === number) ?? named[0] ?? all[0];
}

/**
 * Whether a device that fits is the one, and not another like it: all tuns have no MAC at all, and all VLANs
 * of a device have the same. What is no hardware was moved by us, so that we know what it can be called.
 *
 * @param standIns whether it may be called as what has no name of its own
 */
function isToldApart(
  device: Device,
  identity: Identity,
  names: readonly string[],
  standIns: boolean,
): boolean {
  return isHardware(identity) || names.includes(device.name) || (standIns && isStandIn(device.name));
}

function locatedAt(
  places: Places,
  place: Place,
  connection: Connection,
  { ifindex }: Device,
  aspects: Wanted["aspects"],
): Located | null {
  const ground = { connection, files: places.files[place] };
  const snapshot = readSnapshot(ground, ifindex, places.now(), aspects[place]);
  return snapshot === null ? null : { place, snapshot };
}
