import { SyscallError } from "../../../ffi/errno.ts";
import type { Address } from "../../../src/domain/address.ts";
import type { Device } from "../../../src/domain/device.ts";
import type { Neighbour } from "../../../src/domain/neighbour.ts";
import type { NexthopObject } from "../../../src/domain/nexthop-object.ts";
import { ruleText } from "../../../src/domain/policy-rule.ts";
import type { Qdisc } from "../../../src/domain/qdisc.ts";
import { isKernelMade } from "../../../src/domain/restorable.ts";
import { type Route, routeText } from "../../../src/domain/route.ts";
import { withoutKernelRoutes } from "../../../src/domain/routes.ts";
import { type LinkChange, NO_CHANGE } from "../../../src/domain/step.ts";
import { sysctlPath } from "../../../src/domain/sysctls.ts";
import { EVERYTHING } from "../../../src/engine/aspects.ts";
import { multicastCache } from "../../../src/engine/multicasts-reader.ts";
import { readDevice, readDevices, readSnapshot } from "../../../src/engine/reader.ts";
import { sysctlFilesOf } from "../../../src/engine/sysctls.ts";
import type { System } from "../../../src/engine/system.ts";
import { addAddress, deleteAddress } from "../../../src/netlink/address.ts";
import { type Connection, connect, type Request } from "../../../src/netlink/connection.ts";
import { addAltname, changeLink, deleteAltname, linkMessage } from "../../../src/netlink/link.ts";
import { addNeighbour } from "../../../src/netlink/neighbour.ts";
import { NetlinkError } from "../../../src/netlink/netlink-error.ts";
import { nexthopMessage } from "../../../src/netlink/nexthop-object.ts";
import { ruleMessage } from "../../../src/netlink/policy-rule.ts";
import { setQdisc } from "../../../src/netlink/qdisc.ts";
import { addRoute, deleteRoute } from "../../../src/netlink/route-entry.ts";
import {
  AF_INET,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_NEWNEXTHOP,
  RTM_NEWRULE,
} from "../../../src/netlink/uapi.ts";
import { INET_MIN_MTU } from "./inet.ts";
import { NTF_PROXY } from "./neighbours.ts";

/** One of the two namespaces that a history is played in. */
export type Side = "a" | "b";

/** One request to a kernel, as data: to the device with this ifindex on one side. */
export type Action = { readonly on: Side; readonly ifindex: number } & (
  | {
      readonly do: "change";
      readonly change: Partial<LinkChange>;
      /** The side to move to; the same one is no move. */
      readonly to?: Side;
      readonly newIfindex?: number;
    }
  | { readonly do: "add-altname" | "delete-altname"; readonly altname: string }
  | { readonly do: "add-address" | "replace-address" | "delete-address"; readonly address: Address }
  | { readonly do: "set-sysctl"; readonly setting: string; readonly value: number }
  | { readonly do: "add-route" | "delete-route"; readonly route: Route }
  | { readonly do: "add-neighbour"; readonly neighbour: Neighbour }
  | { readonly do: "add-nexthop"; readonly nexthop: NexthopObject }
  | { readonly do: "add-rule"; readonly iif: string; readonly priority: number }
  | { readonly do: "set-qdisc"; readonly qdisc: Qdisc }
  | { readonly do: "delete" }
);

/** Two namespaces of a kernel, the model's or the real one's. */
export interface Arena extends Disposable {
  readonly system: System;
  readonly connections: Readonly<Record<Side, Connection>>;
  readonly fds: Readonly<Record<Side, number>>;
}

/** What can be seen of an Arena from outside: of each side the devices with their addresses. */
export type Sight = Readonly<Record<Side, readonly SeenDevice[]>>;

interface SeenDevice {
  readonly device: Device;
  readonly addresses: readonly Address[];
  /** Those that somebody added, for a person. */
  readonly routes: readonly string[];
  /** Those that somebody added; their order means nothing. */
  readonly neighbours: readonly string[];
  readonly nexthops: readonly NexthopObject[];
  readonly token: string | null;
  /** Policy rules that hold for it. */
  readonly rules: readonly string[];
  readonly multicasts: readonly string[];
  readonly qdisc: Qdisc | null;
  /** Some of them: {@link COMPARED}; undefined where there is no such file. */
  readonly sysctls: Readonly<Record<string, number | undefined>>;
}

/** Settings of every sort: told with the device or in a file alone, of either family. */
export const COMPARED = [
  "ipv4.arp_ignore",
  "ipv4.neigh.app_solicit",
  "ipv6.accept_ra",
  "ipv6.mtu",
  "ipv6.neigh.app_solicit",
  "ipv6.regen_min_advance",
] as const;

/** linux/fib_rules.h. */
const FR_ACT_TO_TBL = 1;

/** What the MACs begin with that somebody puts into a forwarding database. */
export const FDB_PREFIX = "02:00:00:00:0f:";

/** Enters the two namespaces that two processes are in. */
export function arenaOf(system: System, pids: Readonly<Record<Side, number>>): Arena {
  const fds = { a: system.open(`/proc/${pids.a}/ns/net`), b: system.open(`/proc/${pids.b}/ns/net`) };
  const sockets = { a: system.enter(fds.a), b: system.enter(fds.b) };
  return {
    system,
    fds,
    connections: { a: connect(sockets.a), b: connect(sockets.b) },
    [Symbol.dispose]() {
      for (const side of ["a", "b"] as const) {
        sockets[side][Symbol.dispose]();
        system.close(fds[side]);
      }
    },
  };
}

/** Carries out an action; gives what the kernel said: "done", or the errno and its words. */
export function play(arena: Arena, action: Action): string {
  if (action.do === "set-sysctl") return write(arena, action);
  try {
    arena.connections[action.on].request(requestOf(arena, action));
    return "done";
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    // Of a route that has several faults it depends on many a thing which one the kernel finds first.
    if (action.do === "add-route" || action.do === "delete-route") return "refused";
    return `${error.code}: ${error.kernelMessage ?? "no words"}`;
  }
}

function write({ connections, system, fds }: Arena, action: Extract<Action, { do: "set-sysctl" }>): string {
  const name = readDevice(connections[action.on], action.ifindex)?.name ?? "none";
  try {
    const path = sysctlPath(action.setting, name) ?? "";
    system.writeSysctl(fds[action.on], path, String(action.value));
    return "done";
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.code;
  }
}

/** Looks at both sides. */
export function look(arena: Arena): Sight {
  return { a: seen(arena, "a"), b: seen(arena, "b") };
}

function requestOf(arena: Arena, action: Exclude<Action, { do: "set-sysctl" }>): Request {
  const { ifindex } = action;
  switch (action.do) {
    case "change": {
      const { change, to, newIfindex = null } = action;
      const move = to === undefined ? null : { namespace: arena.fds[to], newIfindex };
      return changeLink(ifindex, { ...NO_CHANGE, ...change }, move, action.do);
    }
    case "add-altname":
      return addAltname(ifindex, action.altname, action.do);
    case "delete-altname":
      return deleteAltname(ifindex, action.altname, action.do);
    case "add-address":
      return addAddress(ifindex, action.address, false, action.do);
    case "replace-address":
      return addAddress(ifindex, action.address, true, action.do);
    case "delete-address":
      return deleteAddress(ifindex, action.address, action.do);
    case "add-route":
      return addRoute(ifindex, action.route, action.do);
    case "delete-route":
      return deleteRoute(ifindex, action.route, action.do);
    case "add-neighbour":
      return addNeighbour(ifindex, action.neighbour, action.do);
    case "add-nexthop": {
      const values = { NHA_ID: action.nexthop.id, NHA_OIF: ifindex };
      const flags = NLM_F_CREATE | NLM_F_EXCL;
      return nexthopMessage.request(RTM_NEWNEXTHOP, flags, { nh_family: AF_INET }, values, action.do);
    }
    case "add-rule": {
      const header = { family: AF_INET, table: 77, action: FR_ACT_TO_TBL };
      const values = { FRA_PRIORITY: action.priority, FRA_IIFNAME: action.iif };
      return ruleMessage.request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, header, values, action.do);
    }
    case "set-qdisc":
      return setQdisc(ifindex, action.qdisc, action.do);
    case "delete":
      return linkMessage.request(RTM_DELLINK, 0, { ifi_index: ifindex }, {}, action.do);
  }
}

/**
 * Left out are the entries that macvlans and vxlans make in forwarding databases, and proxies: the kernel forgets
 * them in its own time when it has noticed that a device has no carrier (neigh_carrier_down()).
 */
function isCompared({ family, lladdr, flags }: Neighbour): boolean {
  return family === "bridge" ? lladdr?.startsWith(FDB_PREFIX) === true : (flags & NTF_PROXY) === 0;
}

/**
 * Left out is what the kernel does in its own time: operational states, addresses that it makes itself, and
 * whether duplicate address detection is over; and the settings of what is too small for IPv4, which a move
 * gives back (inetdev_init()) and the next look at its MTU takes.
 */
function seen({ connections, system, fds }: Arena, side: Side): Sight[Side] {
  const files = sysctlFilesOf(system, fds[side]);
  const ground = { connection: connections[side], files, multicasts: multicastCache(files) };
  return readDevices(ground.connection).flatMap(({ ifindex }) => {
    const snapshot = readSnapshot(ground, ifindex, 0, { ...EVERYTHING, sysctls: COMPARED });
    if (snapshot === null) return [];
    const addresses = snapshot.addresses
      .filter((address) => !isKernelMade(address, snapshot.device) && snapshot.device.name !== "lo")
      .map((address) => ({ ...address, flags: address.flags & ~0x40 }));
    const routes = withoutKernelRoutes(snapshot).routes.map(routeText).toSorted();
    const compared = snapshot.device.mtu < INET_MIN_MTU ? [] : COMPARED;
    const sysctls = Object.fromEntries(compared.map((setting) => [setting, snapshot.sysctls[setting]]));
    const neighbours = snapshot.neighbours
      .filter(isCompared)
      .map((one) => JSON.stringify(one))
      .toSorted();
    const device = { ...snapshot.device, operstate: "" };
    const { nexthops = [], multicasts = [], qdisc, token = null } = snapshot;
    const rules = (snapshot.rules ?? []).map(ruleText);
    return [{ device, addresses, routes, neighbours, nexthops, rules, multicasts, qdisc, token, sysctls }];
  });
}
