import type { Neighbour } from "../../../src/domain/neighbour.ts";
import type { NexthopObject } from "../../../src/domain/nexthop-object.ts";
import type { Qdisc } from "../../../src/domain/qdisc.ts";
import type { Route } from "../../../src/domain/route.ts";
import { flush } from "./addresses.ts";
import { dependentsOf } from "./carrier.ts";
import type { HeldAddress } from "./held-address.ts";
import { flushInet6, startInet6 } from "./inet6.ts";
import { flagsOf, type LinkRules, rulesOf } from "./kinds.ts";
import { linkDatagram } from "./link-message.ts";
import { deliver, linkNamed, type Namespace, nextIndex } from "./namespaces.ts";
import { flushNeighbours } from "./neighbours.ts";
import { integer } from "./random.ts";
import { refuse } from "./refusal.ts";
import { flushRoutes } from "./routes.ts";
import type { World } from "./world.ts";

/** A net_device. */
export interface Link {
  namespace: Namespace;
  /** Where it was made: a vxlan sends from there for good. */
  readonly origin: Namespace;
  ifindex: number;
  name: string;
  readonly altnames: string[];
  alias: string | null;
  /** null: hardware, which outlives the namespace that it is in. */
  readonly kind: string | null;
  readonly type: number;
  mac: string | null;
  permanentMac: string | null;
  mtu: number;
  txqueuelen: number;
  group: number;
  /** USER_FLAGS. */
  flags: number;
  up: boolean;
  /** Whether there is a cable in it; veths and what is built on others go by those. */
  carrier: boolean;
  master: Link | null;
  /** The MAC and MTU that it had before its master, a bond or a team, lent it its own. */
  own: { readonly mac: string | null; readonly mtu: number } | null;
  /** What it is built on: macvlan, vxlan. */
  readonly lower: Link | null;
  /** The other end of a veth. */
  peer: Link | null;
  readonly parentBus: string | null;
  readonly parentDev: string | null;
  /** The PCI device that it is, or that a virtio device is part of. */
  readonly pci: string | null;
  /** The PCI address of the PF that it is a VF of. */
  readonly physfn: string | null;
  /** Whether udev is done with it, where there is one. */
  isSetUp: boolean;
  /** What ethtool tells of it. */
  readonly driver: string | null;
  readonly rules: LinkRules;
  /** In the order in which the kernel lists them, by family. */
  readonly addresses: { readonly inet: HeldAddress[]; readonly inet6: HeldAddress[] };
  /** What was set of it as the port of a bridge, by the names of BRPORT. */
  readonly port: Map<string, number>;
  /** What somebody made to stay. */
  readonly neighbours: Neighbour[];
  /** Its IPv6 interface identifier; null: none. */
  token: string | null;
  /** Nexthop objects that leave by it. */
  readonly nexthops: NexthopObject[];
  /** Static multicast addresses. */
  readonly multicasts: string[];
  /** At its root; null: the kernel's choice. */
  qdisc: Qdisc | null;
  /** Settings below /proc/sys/net that were written. */
  readonly sysctls: Map<string, number>;
  /** Those that somebody added, of one nexthop each, in the order of adding. */
  readonly routes: Route[];
  /** Families of which a default route leaves by it. */
  readonly defaultRoutes: ("inet" | "inet6")[];
  /** Addresses that somebody else on its link has. */
  readonly foreign: Set<string>;
}

/** What a new link is; what is left out goes without saying. */
export interface LinkSpec
  extends Partial<
    Omit<
      Link,
      | "namespace"
      | "origin"
      | "rules"
      | "addresses"
      | "altnames"
      | "sysctls"
      | "port"
      | "neighbours"
      | "nexthops"
      | "multicasts"
      | "token"
      | "routes"
      | "defaultRoutes"
      | "foreign"
      | "peer"
    >
  > {
  readonly name: string;
  readonly kind: string | null;
  readonly altnames?: readonly string[];
  readonly rules?: Partial<LinkRules>;
}

/** register_netdevice(). */
export function addLink(world: World, namespace: Namespace, spec: LinkSpec): Link {
  const { type = 1, rules, altnames = [], up = false, ...rest } = spec;
  if (linkNamed(namespace, spec.name) !== null) refuse("EEXIST");
  const link: Link = {
    alias: null,
    flags: flagsOf(spec.kind, type),
    mac: randomMac(world),
    permanentMac: null,
    mtu: 1500,
    txqueuelen: 1000,
    group: 0,
    carrier: true,
    master: null,
    own: null,
    lower: null,
    peer: null,
    parentBus: null,
    parentDev: null,
    pci: spec.parentBus === "pci" ? (spec.parentDev ?? null) : null,
    physfn: null,
    isSetUp: true,
    // dev_ethtool(): a driver that does not tell its name is called as its kind is.
    driver: spec.kind,
    ifindex: spec.ifindex ?? nextIndex(namespace),
    ...rest,
    type,
    up: false,
    altnames: [...altnames],
    namespace,
    origin: namespace,
    rules: { ...rulesOf(spec.kind, type), ...rules },
    addresses: { inet: [], inet6: [] },
    port: new Map(),
    neighbours: [],
    nexthops: [],
    multicasts: [],
    token: null,
    qdisc: null,
    sysctls: new Map(),
    routes: [],
    defaultRoutes: [],
    foreign: new Set(),
  };
  namespace.links.set(link.ifindex, link);
  tell(link);
  if (up) setUp(world, link);
  return link;
}

/** Makes a veth pair of two links. */
export function pair(one: Link, other: Link): void {
  one.peer = other;
  other.peer = one;
  tell(one);
  tell(other);
}

/** unregister_netdevice(): what is built on it and its peer go with it. */
export function deleteLink(world: World, link: Link): void {
  const { namespace } = link;
  if (namespace.links.get(link.ifindex) !== link) return;
  setDown(world, link);
  flush(link);
  namespace.links.delete(link.ifindex);
  deliver(namespace, () => linkDatagram(link, { type: "deleted", moved: null }));
  for (const port of namespace.links.values()) {
    if (port.master !== link) continue;
    leaveMaster(world, port);
    tell(port);
  }
  const dependents = dependentsOf(world, link);
  if (link.peer !== null) link.peer.peer = null;
  for (const other of dependents) deleteLink(world, other);
}

/** dev_open(). */
export function setUp(world: World, link: Link): void {
  if (link.up) return;
  if (isTakenBeside(world, link, link.mac)) refuse("EADDRINUSE");
  link.up = true;
  startInet6(world, link);
  tell(link);
  for (const other of dependentsOf(world, link)) {
    startInet6(world, other);
    tell(other);
  }
}

/**
 * netdev_upper_dev_unlink(): it is no port any more, and what was set of it as one is forgotten. A bond and a team
 * close it and give it back what it had by itself; of a VRF it is down for a moment.
 */
export function leaveMaster(world: World, link: Link): void {
  const { master, own, up } = link;
  if (master === null) return;
  link.master = null;
  link.port.clear();
  if (own !== null) {
    setDown(world, link);
    link.own = null;
    link.mac = own.mac;
    link.mtu = own.mtu;
  }
  if (master.kind === "vrf") cycle(world, link, up);
}

/** do_set_master(): a port begins with the settings that every port begins with. */
export function joinMaster(world: World, link: Link, master: Link): void {
  switch (master.kind) {
    case "bridge":
      link.master = master;
      return;
    case "vrf":
      link.master = master;
      cycle(world, link, link.up);
      return;
    case "bond":
    case "team": {
      if (link.up) refuse(master.kind === "bond" ? "EPERM" : "EBUSY", "Device can not be enslaved while up");
      const isFirst = !Array.from(link.namespace.links.values()).some((other) => other.master === master);
      if (isFirst) master.mac = link.mac;
      link.own = { mac: link.mac, mtu: link.mtu };
      link.master = master;
      link.mac = master.mac;
      link.mtu = master.mtu;
      setUp(world, link);
      return;
    }
    default:
      refuse("EOPNOTSUPP");
  }
}

/** cycle_netdev(): routes and IPv6 addresses are lost. */
function cycle(world: World, link: Link, isUp: boolean): void {
  if (!isUp) return;
  setDown(world, link);
  setUp(world, link);
}

/** dev_close(): routes and IPv6 addresses are lost. */
export function setDown(world: World, link: Link): void {
  if (!link.up) return;
  link.up = false;
  flushInet6(link);
  flushRoutes(link);
  flushNeighbours(link);
  link.defaultRoutes.length = 0;
  link.nexthops.length = 0;
  tell(link);
  for (const other of dependentsOf(world, link)) {
    // nh_netdev_event(): it has lost its carrier.
    other.nexthops.length = 0;
    tell(other);
  }
}

/** macvlan_addr_busy(): whether the lower device of a macvlan, or another one on it that is up, has a MAC. */
export function isTakenBeside(world: World, link: Link, mac: string | null): boolean {
  const { lower } = link;
  if (link.kind !== "macvlan" || lower === null) return false;
  const others = dependentsOf(world, lower).filter((other) => other !== link && other.up);
  return [lower, ...others.filter(({ kind }) => kind === "macvlan")].some((other) => other.mac === mac);
}

/** Tells all who listen in the link's namespace what it is now. */
export function tell(link: Link): void {
  deliver(link.namespace, () => linkDatagram(link, { type: "is" }));
}

function randomMac(world: World): string {
  const bytes = Array.from({ length: 5 }, () => integer(world.random, 256));
  return [2, ...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
