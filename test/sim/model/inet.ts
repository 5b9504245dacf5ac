import {
  type Address,
  IFA_F_DEPRECATED,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
} from "../../../src/domain/address.ts";
import { parseIp } from "../../../src/domain/ip.ts";
import type { AddFlags } from "./addresses.ts";
import { type HeldAddress, heldOf } from "./held-address.ts";
import type { Link } from "./links.ts";
import { byteLength } from "./names.ts";
import { refuse } from "./refusal.ts";
import { dropSource, flushRoutes } from "./routes.ts";
import type { World } from "./world.ts";

/** IFA_F_* that inet_insert_ifa() drops. */
const IPV6ONLY_FLAGS = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x100 | 0x800;
/** A label has IFNAMSIZ bytes, its NUL included. */
const LABEL_BYTES = 15;

/** IPV4_MIN_MTU (net/ip.h): a link with less has no IPv4. */
export const INET_MIN_MTU = 68;

/** inet_rtm_newaddr(): the first of a subnet is its primary one, the others are listed behind all primaries. */
export function addInet(world: World, link: Link, address: Address, how: AddFlags): void {
  if (link.mtu < INET_MIN_MTU) refuse("ENOBUFS");
  const list = link.addresses.inet;
  const existing = list.find((held) => isSame(held, address));
  const held = heldOf(world, { ...address, flags: address.flags & ~IPV6ONLY_FLAGS & ~IFA_F_SECONDARY });
  if (existing !== undefined) {
    if (how.exclusive || !how.replace) refuse("EEXIST", "ipv4: Address already assigned");
    replace(existing, held);
    return;
  }
  held.label ??= link.name;
  const subnet = list.filter((other) => isOfSubnet(other, address));
  if (subnet.some((other) => other.scope !== held.scope)) refuse("EINVAL", "ipv4: Invalid scope value");
  if (subnet.length > 0) {
    held.flags |= IFA_F_SECONDARY;
    list.push(held);
    return;
  }
  const before = list.findLastIndex((other) => isPrimary(other) && held.scope <= other.scope);
  list.splice(before + 1, 0, held);
}

/** inet_rtm_deladdr(), with promote_secondaries 0: the secondary addresses of a subnet go with the primary one. */
export function deleteInet(link: Link, address: Address): void {
  if (link.mtu < INET_MIN_MTU) refuse("ENODEV", "ipv4: Device not found");
  const list = link.addresses.inet;
  const gone = list.find(
    (held) => isSame(held, address) && (address.label === null || held.label === address.label),
  );
  if (gone === undefined) refuse("EADDRNOTAVAIL", "ipv4: Address not found");
  const alsoGone = (held: HeldAddress) => isPrimary(gone) && !isPrimary(held) && isOfSubnet(held, gone);
  const kept = list.filter((held) => held !== gone && !alsoGone(held));
  for (const held of list.filter((one) => !kept.includes(one))) dropSource(link, held.local);
  list.splice(0, list.length, ...kept);
  if (list.length === 0) flushRoutes(link, "inet");
}

/** inetdev_destroy(). */
export function flushInet(link: Link): void {
  link.addresses.inet.length = 0;
  flushRoutes(link, "inet");
}

/** inetdev_changename(): the first label becomes the name, the others keep what is behind the colon. */
export function relabel(link: Link): void {
  for (const [at, held] of link.addresses.inet.entries()) {
    const old = held.label ?? "";
    const rest = old.includes(":") ? old.slice(old.indexOf(":")) : `:${at + 1}`;
    const room = LABEL_BYTES - byteLength(rest);
    held.label = at === 0 ? link.name : link.name.slice(0, room) + rest;
  }
}

function replace(existing: HeldAddress, by: HeldAddress): void {
  const fromLifetimes = IFA_F_PERMANENT | IFA_F_DEPRECATED;
  existing.flags = (existing.flags & ~fromLifetimes) | (by.flags & fromLifetimes);
  existing.metric = by.metric;
  existing.protocol = by.protocol;
  existing.preferredUntil = by.preferredUntil;
  existing.validUntil = by.validUntil;
}

type Subnet = Pick<Address, "local" | "peer" | "prefixLength">;

function isSame(held: HeldAddress, address: Subnet): boolean {
  return held.local === address.local && isOfSubnet(held, address);
}

function isOfSubnet(held: Subnet, address: Subnet): boolean {
  return held.prefixLength === address.prefixLength && networkOf(held) === networkOf(address);
}

function networkOf({ local, peer, prefixLength }: Subnet): number {
  let number = 0;
  for (const byte of parseIp(peer ?? local) ?? []) number = number * 256 + byte;
  return Math.floor(number / 2 ** (32 - prefixLength));
}

function isPrimary(held: HeldAddress): boolean {
  return (held.flags & IFA_F_SECONDARY) === 0;
}
