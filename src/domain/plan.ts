import { type Address, addressText, isSameKey } from "./address.ts";
import { keptInOrder, misplaced } from "./address-order.ts";
import { waysToGateways } from "./gateways.ts";
import { leftToOthers } from "./left-to-others.ts";
import { isEmpty, linkWay } from "./link-way.ts";
import { groupsMissing, groupText } from "./multicast-group.ts";
import { isOlderThan, type Neighbour, neighboursMissing, neighbourText } from "./neighbour.ts";
import { BR_STATE_DISABLED, groupsOf, portSettingsToSet, vlansText } from "./port.ts";
import { isRestorableQdisc, isSameQdisc } from "./qdisc.ts";
import { aged, chosenFlags, isAsChosen, isKernelMade, isProven } from "./restorable.ts";
import { type Route, routeText } from "./route.ts";
import {
  inOrderOfNeed,
  routesAfter,
  routesMissing,
  whyMissing,
  whyNotRestorable,
  withoutKernelRoutes,
} from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";
import { flagsText, type LinkChange, NO_CHANGE, type Place, type Step } from "./step.ts";
import { primaryOf } from "./subnet.ts";
import { sysctlsToSet } from "./sysctls.ts";
import { tokenSteps } from "./token.ts";

/** A device as it was found, and where. */
export interface Located {
  readonly place: Place;
  readonly snapshot: Snapshot;
}

/** What a device shall be, and where. */
export interface Goal extends Located {
  /** The ifindex to ask for where the device has to be moved; null: whatever the kernel gives. */
  readonly ifindex: number | null;
}

/**
 * The ordered steps that lead from what is to what shall be; none where it is so already.
 *
 * The way in, its undoing, the way home and recovery after a crash are all this call: there are no inverse
 * steps, and nothing is ever resumed by the number of a step. A move loses the addresses, the routes, the
 * neighbours, the sysctls, the master, the qdisc and the up state; all else travels with the device.
 */
export function plan(now: Located, goal: Goal): Step[] {
  const moves = now.place !== goal.place;
  const wanted = goal.snapshot.device;
  const there = now.snapshot.device;
  const way = linkWay(now.snapshot, goal.snapshot, moves);
  const { change, goesDown } = way;
  const { remove, add } = addressSteps(now, goal, moves, goesDown ? { ...change, up: false } : change);
  const routes = routeSteps(now.snapshot, goal, moves, remove.length > 0 || goesDown);
  const steps: Step[] = [...routes.remove, ...remove];
  // Before the move: an altname that is not wanted can only clash where the device goes, and the kernel
  // refuses to rename a device to its own altname.
  for (const altname of there.altnames) {
    if (!wanted.altnames.includes(altname)) steps.push({ type: "delete-altname", altname });
  }
  const sysctls = moves ? goal.snapshot.sysctls : sysctlsToSet(now.snapshot.sysctls, goal.snapshot.sysctls);
  const sets = Object.keys(sysctls).length > 0;
  // Settings have to be there before the device is up: accept_ra and dad_transmits count from then on.
  const upLater = wanted.up && (way.upLast || (sets && change.up === true));
  const first = upLater ? { ...way.main, up: null } : way.main;
  for (const part of way.before) steps.push({ type: "change", change: part });
  if (moves) steps.push({ type: "move", to: goal.place, ifindex: goal.ifindex, change: first });
  else if (!isEmpty(first)) steps.push({ type: "change", change: first });
  const token = tokenSteps(now.snapshot, goal.snapshot, moves);
  steps.push(...token.before);
  if (sets) steps.push({ type: "set-sysctls", sysctls });
  steps.push(...token.after);
  // A port that is not up has no state but one (br_set_port_state()): that comes last.
  const { state: _, ...settings } = portSettingsToSet(
    way.joins ? null : now.snapshot.port,
    goal.snapshot.port,
  );
  const of = wanted.slaveKind === "bond" ? "bond" : "bridge";
  if (Object.keys(settings).length > 0) steps.push({ type: "set-port", of, settings });
  const vlans = goal.snapshot.port?.vlans ?? null;
  const has = moves ? null : (now.snapshot.port?.vlans ?? null);
  const setsVlans = vlans !== null && (has === null || vlansText(has) !== vlansText(vlans));
  const made = goal.snapshot.neighbours;
  const missing = neighboursMissing(moves ? [] : now.snapshot.neighbours, made);
  const neighbours = Object.groupBy(missing, (one) =>
    setsVlans && isOlderThan(vlans, one, made) ? "first" : "last",
  );
  steps.push(...(neighbours.first ?? []).map(addNeighbour));
  if (setsVlans) steps.push({ type: "set-vlans", vlans });
  if (upLater) steps.push({ type: "change", change: { ...NO_CHANGE, up: true } });
  for (const altname of wanted.altnames) {
    if (!there.altnames.includes(altname)) steps.push({ type: "add-altname", altname });
  }
  // Once the device is up: to a device that comes up later the kernel gives the route to its own IPv6 address
  // and not the one to its peer.
  // Routes come last: their sources and the links to their gateways have to be there.
  return [
    ...steps,
    ...add,
    ...routes.add,
    ...(neighbours.last ?? []).map(addNeighbour),
    ...restSteps(now.snapshot, goal.snapshot, moves),
  ];
}

/** In what `now` is not what `wanted` asks for, each told to a person; none where it is so. */
export function differences(now: Snapshot, wanted: Snapshot): string[] {
  const found: string[] = [];
  const compare = (what: string, is: unknown, shall: unknown) => {
    if (is !== shall) found.push(`${what} is ${String(is)}, not ${String(shall)}`);
  };
  compare("name", now.device.name, wanted.device.name);
  compare("mtu", now.device.mtu, wanted.device.mtu);
  compare("mac", now.device.mac, wanted.device.mac);
  compare("alias", now.device.alias, wanted.device.alias);
  compare("txqueuelen", now.device.txqueuelen, wanted.device.txqueuelen);
  compare("group", now.device.group, wanted.device.group);
  compare("up", now.device.up, wanted.device.up);
  compare("altnames", sorted(now.device.altnames), sorted(wanted.device.altnames));
  if (wanted.device.flags !== null && now.device.flags !== wanted.device.flags) {
    found.push(`flags are ${flagsText(now.device.flags ?? 0)}, not ${flagsText(wanted.device.flags)}`);
  }
  compare("master", now.device.master ?? "none", wanted.device.master ?? "none");
  for (const [name, value] of Object.entries(portSettingsToSet(now.port, wanted.port))) {
    const none = name === "state" && now.port !== null ? "the bridge's choice" : "not there";
    compare(`port setting ${name}`, now.port?.settings[name] ?? none, value);
  }
  for (const group of groupsMissing(groupsOf(now.port), groupsOf(wanted.port))) {
    found.push(`${groupText(group)} is not there`);
  }
  if (wanted.token !== undefined) compare("token", now.token ?? "none", wanted.token);
  const own = wanted.port?.mac ?? null;
  if (own !== null) compare("own mac", now.port?.mac ?? now.device.mac, own);
  const vlans = wanted.port?.vlans ?? null;
  if (vlans !== null) compare("VLANs", vlansText(now.port?.vlans ?? []), vlansText(vlans));
  for (const [setting, value] of Object.entries(sysctlsToSet(now.sysctls, wanted.sysctls))) {
    compare(`sysctl ${setting}`, now.sysctls[setting] ?? "not there", value);
  }
  for (const address of wantedAddresses(now, wanted)) {
    const same = now.addresses.find((other) => isSameKey(other, address));
    if (same === undefined) found.push(`address ${addressText(address)} is not there`);
    else if (!isAsChosen(same, address)) found.push(`address ${addressText(address)} is not what it was`);
  }
  found.push(...misplaced(now.addresses, wantedAddresses(now, wanted)));
  for (const route of routesMissing(now.routes, wantedRoutes(now, wanted))) {
    found.push(`route ${routeText(route)} is not there${whyMissing(route)}`);
  }
  for (const neighbour of neighboursMissing(now.neighbours, wanted.neighbours)) {
    found.push(`${neighbourText(neighbour)} is not there`);
  }
  return [...found, ...leftToOthers(now, wanted)];
}

function addressSteps(now: Located, goal: Goal, moves: boolean, change: LinkChange) {
  const wanted = wantedAddresses(now.snapshot, goal.snapshot);
  const there = moves ? [] : now.snapshot.addresses;
  const stays = (address: Address) => {
    // A rename makes up new labels for the IPv4 addresses that are there (inetdev_changename).
    if (change.name !== null && address.family === "inet") return false;
    // Those of IPv6 go when the link goes down (addrconf_ifdown).
    if (change.up === false && address.family === "inet6") return false;
    // The route to a peer is not made by coming up.
    if (change.up === true && address.family === "inet6" && address.peer !== null) return false;
    return wanted.some((other) => isAsChosen(other, address));
  };
  const inPlace = keptInOrder(there.filter(stays), wanted);
  const kept = inPlace.filter((address) => {
    const primary = primaryOf(there, address);
    return primary === undefined || inPlace.includes(primary);
  });
  // The last first: with a primary address the kernel deletes its secondaries.
  const remove = there
    .filter((address) => !kept.includes(address) && !isKernelMade(address, now.snapshot.device))
    .reverse()
    .map((address): Step => ({ type: "delete-address", address }));
  const missing = wanted.filter((address) => !kept.some((other) => isAsChosen(other, address)));
  // The kernel lists IPv4 addresses in the order of adding and IPv6 ones in the opposite one.
  const inOrder = [
    ...missing.filter(({ family }) => family === "inet"),
    ...missing.filter(({ family }) => family === "inet6").reverse(),
  ];
  const add = inOrder.map((address): Step => {
    const chosen = { ...address, flags: chosenFlags(address) };
    return { type: "add-address", address: chosen, proven: isProven(address) };
  });
  return { remove, add };
}

function addNeighbour(neighbour: Neighbour): Step {
  return { type: "add-neighbour", neighbour };
}

/** What needs nothing but that the device is up. */
function restSteps(now: Snapshot, goal: Snapshot, moves: boolean): Step[] {
  const { qdisc } = goal;
  const steps: Step[] = [];
  const isThere = !moves && isSameQdisc(now.qdisc, qdisc);
  if (qdisc !== null && isRestorableQdisc(qdisc) && !isThere) steps.push({ type: "set-qdisc", qdisc });
  const isPort = !moves && now.device.master === goal.device.master;
  const bridge = goal.device.master;
  for (const group of groupsMissing(isPort ? groupsOf(now.port) : [], groupsOf(goal.port))) {
    if (bridge !== null) steps.push({ type: "add-group", bridge, group });
  }
  const { state } = portSettingsToSet(isPort ? now.port : null, goal.port);
  if (state !== undefined && state !== BR_STATE_DISABLED)
    steps.push({ type: "set-port", of: "bridge", settings: { state } });
  return steps;
}

/** @param loses the routes that are there may go with an address, or with the device when it is down */
function routeSteps(now: Snapshot, { snapshot, place }: Goal, moves: boolean, loses: boolean) {
  const wanted = wantedRoutes(now, snapshot);
  const there = moves ? [] : now.routes;
  const remove = routesMissing(wanted, withoutKernelRoutes({ ...now, routes: there }).routes).map(
    (route): Step => ({ type: "delete-route", route }),
  );
  const missing = loses ? wanted : routesMissing(there, wanted);
  const routes = inOrderOfNeed(missing).filter((route) => whyNotRestorable(route) === null);
  // Inside, a gateway that nothing leads to is a fault of who wanted the route.
  const ways = place === "home" ? waysToGateways(routes, snapshot) : [];
  const add = [...ways, ...routes].map((route): Step => ({ type: "add-route", route }));
  return { remove, add: [...add, ...ways.map((route): Step => ({ type: "delete-route", route }))] };
}

function wantedRoutes(now: Snapshot, wanted: Snapshot): Route[] {
  return routesAfter(wanted.routes, (now.takenAt - wanted.takenAt) / 1000);
}

/** The addresses that are to be there by the time of `now`: without those that expire or make themselves. */
function wantedAddresses(now: Snapshot, wanted: Snapshot): Address[] {
  const seconds = (now.takenAt - wanted.takenAt) / 1000;
  return wanted.addresses
    .filter((address) => !isKernelMade(address, wanted.device))
    .map((address) => aged(address, seconds))
    .filter((address) => address !== null);
}

function sorted(names: readonly string[]): string {
  return Array.from(names).sort().join(" ") || "none";
}
