import type { Address } from "../../../src/domain/address.ts";
import { tellOf } from "./held-address.ts";
import { addInet, deleteInet, flushInet } from "./inet.ts";
import { addInet6, deleteInet6, flushInet6 } from "./inet6.ts";
import type { Link } from "./links.ts";
import { refuse } from "./refusal.ts";
import type { World } from "./world.ts";

/** NLM_F_EXCL and NLM_F_REPLACE of RTM_NEWADDR. */
export interface AddFlags {
  readonly exclusive: boolean;
  readonly replace: boolean;
}

/** RTM_NEWADDR. */
export function addAddress(world: World, link: Link, address: Address, how: AddFlags): void {
  const { family, validLifetime, preferredLifetime } = address;
  const ends = validLifetime ?? Number.POSITIVE_INFINITY;
  if (ends === 0 || (preferredLifetime ?? Number.POSITIVE_INFINITY) > ends) {
    refuse("EINVAL", `${family === "inet" ? "ipv4" : "ipv6"}: address lifetime invalid`);
  }
  if (address.family === "inet") addInet(world, link, address, how);
  else addInet6(world, link, address, how);
}

/** RTM_DELADDR. */
export function deleteAddress(link: Link, address: Address): void {
  if (address.family === "inet") deleteInet(link, address);
  else deleteInet6(link, address);
}

/** What the kernel tells of a link's addresses now: IPv4 first. */
export function listAddresses(world: World, link: Link): Address[] {
  const { inet, inet6 } = link.addresses;
  return [...tellOf(world, "inet", inet), ...tellOf(world, "inet6", inet6)];
}

/** All addresses go: with a move, or with the link. */
export function flush(link: Link): void {
  flushInet(link);
  flushInet6(link);
}
