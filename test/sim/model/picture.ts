import type { Address } from "../../../src/domain/address.ts";
import type { Device } from "../../../src/domain/device.ts";
import { type Neighbour, neighbourText } from "../../../src/domain/neighbour.ts";
import type { Qdisc } from "../../../src/domain/qdisc.ts";
import { isKernelMade } from "../../../src/domain/restorable.ts";
import type { Route } from "../../../src/domain/route.ts";
import type { Sysctls } from "../../../src/domain/sysctls.ts";
import { decodeLink } from "../../../src/netlink/link.ts";
import { listAddresses } from "./addresses.ts";
import { linkPayload, portOf } from "./link-message.ts";
import type { Link } from "./links.ts";
import type { Namespace } from "./namespaces.ts";
import { sysctlsOf } from "./sysctls.ts";
import type { World } from "./world.ts";

/** One device as anybody in its namespace sees it. */
export interface Seen {
  readonly device: Device;
  /** Without those that the kernel makes by itself. */
  readonly addresses: readonly Address[];
  readonly neighbours: readonly Neighbour[];
  readonly qdisc: Qdisc | null;
  /** Its IPv6 interface identifier; left out: none. */
  readonly token?: string;
  /** What it is as the port of a bridge. */
  readonly port: Readonly<Record<string, number>> | null;
  readonly sysctls: Sysctls;
  /** As they were asked for; of those to one place the order counts. */
  readonly routes: readonly Route[];
}

/** All that is in a namespace but lo, by name. Two of them are equal exactly if nothing has changed. */
export function pictureOf(world: World, namespace: Namespace): Record<string, Seen> {
  const links = Array.from(namespace.links.values()).filter(({ name }) => name !== "lo");
  return Object.fromEntries(links.map((link) => [link.name, seenOf(world, link)]));
}

/** One device as anybody in its namespace sees it. */
export function seenOf(world: World, link: Link): Seen {
  const told = decodeLink(linkPayload(link));
  // Their order means nothing.
  const device = { ...told, altnames: told.altnames.toSorted() };
  const made = listAddresses(world, link).filter((address) => !isKernelMade(address, device));
  return {
    device,
    addresses: made,
    // Their order means nothing.
    neighbours: sortedBy(neighbourText, link.neighbours),
    qdisc: link.qdisc,
    ...(link.token === null ? {} : { token: link.token }),
    port: link.master === null ? null : portOf(link),
    sysctls: sysctlsOf(link),
    routes: sortedBy(placeOf, link.routes),
  };
}

function placeOf({ family, to, prefixLength, table }: Route): string {
  return `${family} ${table} ${to}/${prefixLength}`;
}

function sortedBy<T>(textOf: (one: T) => string, list: readonly T[]): T[] {
  const told = list.map((one) => ({ one, text: textOf(one) }));
  return told.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ one }) => one);
}

/** A picture without ifindexes: one that was taken meanwhile cannot be had again. */
export function withoutNumbers(picture: Readonly<Record<string, Seen>>): Record<string, Seen> {
  return Object.fromEntries(Object.entries(picture).map(([name, seen]) => [name, withoutNumber(seen)]));
}

/** One device without its ifindex and those of others. */
export function withoutNumber({ device, ...rest }: Seen): Seen {
  const link = device.link === null ? null : 0;
  const underlay = device.underlay === null ? null : 0;
  return { device: { ...device, ifindex: 0, link, underlay }, ...rest };
}
