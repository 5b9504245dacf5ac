import { type Address, IFA_F_NODAD } from "../../../src/domain/address.ts";
import { addAddress } from "../../sim/model/addresses.ts";
import type { Machine } from "../../sim/model/daemon.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { addLink, type Link, type LinkSpec, pair } from "../../sim/model/links.ts";
import { linkNamed, type Namespace } from "../../sim/model/namespaces.ts";
import { type Process, spawn } from "../../sim/model/processes.ts";
import { randomFrom } from "../../sim/model/random.ts";
import { addRoute } from "../../sim/model/routes.ts";
import { setLink } from "../../sim/model/set-link.ts";
import { createWorld, type World } from "../../sim/model/world.ts";
import { routeOf } from "../domain/samples.ts";

/** The kinds of device that the tests go through: "hardware" has no rtnl_link_ops, "tun" no MAC. */
export const KINDS = ["hardware", "veth", "ifb", "macvlan", "vxlan", "tap", "tun"] as const;

/** linux/if_arp.h. */
const ARPHRD_NONE = 0xfffe;

export type Kind = (typeof KINDS)[number];

/** A machine whose init_net is home, with nothing in it but lo. */
export function emptyMachine(seed = 1): Machine {
  const world = createWorld(randomFrom(seed));
  return { world, home: addNamespace(world), rows: new Map(), returned: new Map() };
}

/** A machine with a furnished device of each kind given: d0, d1, … */
export function machineWith(...kinds: readonly Kind[]): Machine {
  const machine = emptyMachine();
  for (const [at, kind] of kinds.entries()) {
    furnish(machine.world, addDevice(machine.world, machine.home, kind, `d${at}`));
  }
  return machine;
}

/** The place on the bus of a card that is called so at first. */
export function slotOf(name: string): string {
  return `0000:00:${name}.0`;
}

/** A device, and beside it (`NAME-low`, `NAME-far`) what its kind needs. */
export function addDevice(world: World, namespace: Namespace, kind: Kind, name: string): Link {
  const add = (spec: LinkSpec) => addLink(world, namespace, spec);
  const veth = (near: string) => {
    const link = add({ name: near, kind: "veth" });
    pair(link, add({ name: `${name}-far`, kind: "veth", up: true }));
    return link;
  };
  switch (kind) {
    case "hardware": {
      const link = add({
        name,
        kind: null,
        parentBus: "pci",
        parentDev: slotOf(name),
        driver: "e1000e",
      });
      link.permanentMac = link.mac;
      return link;
    }
    case "veth":
      return veth(name);
    case "macvlan":
    case "vxlan": {
      const lower = veth(`${name}-low`);
      change(world, lower, { up: true });
      return add({ name, kind, lower, mtu: 1450 });
    }
    case "ifb":
      return add({ name, kind });
    case "tap":
      return add({ name, kind: "tun" });
    case "tun":
      return add({ name, kind, type: ARPHRD_NONE, mac: null, rules: { mac: "never" } });
  }
}

/** Gives a device all that is to be kept, and brings it up. */
export function furnish(world: World, link: Link): void {
  const { name } = link;
  link.altnames.push(`${name}-second`, `${name}-with-a-long-name`);
  change(world, link, { up: true, mtu: 1400, alias: `what ${name} is for`, txqueuelen: 77 });
  const net = 1 + (link.ifindex % 200);
  const given = [
    address(`10.${net}.0.1`, 24, { broadcast: `10.${net}.0.255`, label: `${name}:web` }),
    address(`10.${net}.0.2`, 24),
    address(`10.${net}.1.1`, 32, { peer: `10.${net}.1.2`, flags: 0x200 }),
    address(`10.${net}.2.1`, 24, { metric: 77 }),
    address(`2001:db8:${net}::1`, 64, { flags: IFA_F_NODAD }),
    address(`2001:db8:${net}::2`, 64),
  ];
  for (const one of given) addProven(world, link, one);
  const routes = [
    routeOf(`10.${net}.9.0/24`, { scope: 253 }),
    routeOf("10.250.0.0/16", { via: `10.${net}.0.9`, source: `10.${net}.0.1`, metric: 100 }),
    routeOf("10.251.0.0/16", { via: `10.${net}.9.9`, table: 77 }),
    routeOf("2001:db8:f::/48", { via: "fe80::9" }),
  ];
  for (const one of routes) addRoute(link.namespace, link, one);
  const staying = {
    address: null,
    lladdr: "02:00:00:00:00:09",
    vlan: null,
    port: null,
    vni: null,
    via: null,
  };
  link.neighbours.push(
    { ...staying, family: "inet", address: `10.${net}.0.9`, state: 0x80, flags: 0 },
    { ...staying, family: "inet6", address: "2001:db8::9", lladdr: null, state: 0, flags: 8 },
  );
  // A macvlan takes none (macvlan_fdb_add()).
  if (link.kind !== "macvlan") link.neighbours.push({ ...staying, family: "bridge", state: 0x80, flags: 2 });
  // What does no neighbour discovery takes none (inet6_set_iftoken()).
  if (!link.rules.noArp) link.token = "::7:0:0:1";
  link.qdisc = { kind: "tbf", handle: 0x80010000, options: "00ff" };
  const settings = { "ipv4.arp_ignore": 1, "ipv6.accept_ra": 0, "ipv4.neigh.app_solicit": 3 };
  for (const [setting, value] of Object.entries(settings)) link.sysctls.set(setting, value);
}

/** Adds an address as if duplicate address detection had proven it. */
export function addProven(world: World, link: Link, given: Address): void {
  const first = { ...given, flags: given.family === "inet" ? given.flags : given.flags | IFA_F_NODAD };
  addAddress(world, link, first, { exclusive: true, replace: false });
  addAddress(world, link, given, { exclusive: false, replace: true });
}

/** An address for ever, of which all that is not given is left out. */
export function address(local: string, prefixLength: number, more: Partial<Address> = {}): Address {
  return {
    family: local.includes(":") ? "inet6" : "inet",
    local,
    peer: null,
    prefixLength,
    broadcast: null,
    label: null,
    scope: 0,
    flags: 0,
    metric: null,
    protocol: null,
    preferredLifetime: null,
    validLifetime: null,
    ...more,
  };
}

/** What somebody with ip(8) does to a device where it is. */
export function change(world: World, link: Link, wish: Partial<Parameters<typeof setLink>[2]>): void {
  setLink(world, link, { ...NOTHING, target: link.namespace, ...wish });
}

const NOTHING = {
  newIfindex: undefined,
  name: undefined,
  mac: undefined,
  mtu: undefined,
  group: undefined,
  master: undefined,
  flags: undefined,
  alias: undefined,
  up: undefined,
  txqueuelen: undefined,
};

/** The device with a name; there being none is an error. */
export function deviceIn(namespace: Namespace, name: string): Link {
  const link = linkNamed(namespace, name);
  if (link === null) throw new Error(`there is no ${name}`);
  return link;
}

/** Starts what netdevd takes for a container: a process in a namespace of its own, or in that of another. */
export function startContainer(machine: Machine, sharing?: Process): Process & { readonly netns: Namespace } {
  const { world } = machine;
  const netns = sharing?.namespace ?? addNamespace(world);
  return Object.assign(spawn(world, netns), { netns });
}
