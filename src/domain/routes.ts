import { IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY } from "./address.ts";
import { parseIp } from "./ip.ts";
import { type Nexthop, type Route, RTN_UNICAST, RTPROT_KERNEL, RTPROT_RA } from "./route.ts";
import type { Snapshot } from "./snapshot.ts";

/** IP6_RT_PRIO_ADDRCONF (net/ip6_route.h): the metric of the routes that the kernel makes of IPv6 addresses. */
const IP6_RT_PRIO_ADDRCONF = 256;

/**
 * RTPROT_* (linux/rtnetlink.h) of daemons that learn routes from others, and set them again when a device is back:
 * gated, mrt, zebra, bird, dnrouted, xorp, ntk, mrouted, babel, openr, bgp, isis, ospf, rip, eigrp.
 */
export const ROUTING_DAEMONS: ReadonlySet<number> = new Set([
  8, 10, 11, 12, 13, 14, 15, 17, 42, 99, 186, 187, 188, 189, 192,
]);

/** How many routes of routing daemons are put back: of more they are behind the times, and their daemon is faster. */
export const MOST_DAEMON_ROUTES = 20_000;

/**
 * Whether the kernel makes `route` by itself when the device is as it is in `snapshot`: of its addresses, or of
 * what routers tell it. By the protocol alone it cannot be told: NetworkManager's routes say "kernel" too.
 */
export function isKernelRoute(route: Route, snapshot: Pick<Snapshot, "addresses" | "sysctls">): boolean {
  const { protocol, type, family, nexthops, lifetime } = route;
  const listens = family === "inet6" && acceptsRouters(snapshot.sysctls);
  if (protocol === RTPROT_RA) return listens;
  if (protocol !== RTPROT_KERNEL) return false;
  // local, broadcast, anycast, multicast
  if (type !== RTN_UNICAST) return true;
  const [first] = nexthops;
  if (first === undefined || nexthops.length > 1 || first.gateway !== null) return false;
  // The prefix of a router's advertisement (addrconf_prefix_rcv()).
  if (listens && lifetime !== null) return true;
  return snapshot.addresses.some(
    (address) =>
      address.family === family &&
      // Of an IPv6 address with a peer the route to that is no prefix route (ipv6_ifa_notify()).
      ((address.flags & IFA_F_NOPREFIXROUTE) === 0 || (family === "inet6" && address.peer === route.to)) &&
      (family === "inet6" || (address.flags & IFA_F_SECONDARY) === 0) &&
      address.prefixLength === route.prefixLength &&
      // IPv6 has a route to either end (inet6_addr_add(), ipv6_ifa_notify()).
      (isWithin(address.peer ?? address.local, route) ||
        (family === "inet6" && isWithin(address.local, route))) &&
      (address.metric ?? (family === "inet6" ? IP6_RT_PRIO_ADDRCONF : null)) === route.metric,
  );
}

/** `snapshot` with those routes alone that have to be put back: the kernel sees to the others. */
export function withoutKernelRoutes(snapshot: Snapshot): Snapshot {
  return { ...snapshot, routes: snapshot.routes.filter((route) => !isKernelRoute(route, snapshot)) };
}

/** The routes that are to be there `seconds` later: without those that have expired by then. */
export function routesAfter(routes: readonly Route[], seconds: number): Route[] {
  return routes.flatMap((route) => {
    if (route.lifetime === null) return [route];
    const left = Math.ceil(route.lifetime - seconds);
    return left > 0 ? [{ ...route, lifetime: left }] : [];
  });
}

/** Those of `wanted` that `now` has not. */
export function routesMissing(now: readonly Route[], wanted: readonly Route[]): Route[] {
  if (wanted.length === 0) return [];
  const there = new Set(now.map(keyOf));
  return wanted.filter((route) => !there.has(keyOf(route)));
}

/**
 * The routes in an order in which the kernel takes them: a gateway has to be on a link that there is a route to
 * already. Among themselves they stay in their order: of those to the same place the first one counts.
 */
export function inOrderOfNeed(routes: readonly Route[]): Route[] {
  const needs = ({ nexthops }: Route) =>
    nexthops.some(({ gateway, onlink }) => gateway !== null && !onlink) ? 1 : 0;
  return routes.toSorted((a, b) => needs(a) - needs(b));
}

/** Why a route that is missing is: for what else than that the kernel refused it. */
export function whyMissing(route: Route): string {
  const why = whyNotRestorable(route);
  if (why !== null) return `: ${why}`;
  if (route.nexthopId === null) return "";
  return ` as it was: nexthop object ${route.nexthopId} went with the device, and it has nexthops of its own now`;
}

/** Whether it can be put back at all; where not, why. */
export function whyNotRestorable(route: Route): string | null {
  if (route.encapsulated) return "its packets are encapsulated, or have realms by nexthop";
  return route.nexthops.length === 0 ? `it is by nexthop object ${route.nexthopId} alone` : null;
}

/** All that was chosen for it; what is left of a lifetime runs. */
function keyOf(route: Route): string {
  const { nexthops: _, lifetime, preference, ...chosen } = route;
  const members = Object.entries(chosen).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([members, lifetime === null, preference ?? 0, nexthopsText(route)]);
}

/** Of an IPv6 route the kernel keeps each nexthop by itself: those of other devices are none of this one's. */
function nexthopsText({ family, nexthops }: Route): string {
  const own = family === "inet" ? nexthops : nexthops.filter(({ device }) => device === null);
  const weigh = nexthops.length > 1;
  const texts = own.map(({ device, gateway, onlink, weight }: Nexthop) =>
    [device, gateway, onlink, weigh || weight > 1 ? weight : 1].join(" "),
  );
  return texts.toSorted().join(", ");
}

/** Whether the kernel listens to routers (addrconf: ipv6_accept_ra()): not where it is one itself, unless bidden. */
export function acceptsRouters(sysctls: Snapshot["sysctls"]): boolean {
  const accept = sysctls["ipv6.accept_ra"] ?? 1;
  return accept === 2 || (accept === 1 && (sysctls["ipv6.forwarding"] ?? 0) === 0);
}

/** Whether an address is one of those of a prefix. */
export function isWithin(address: string, { to, prefixLength }: Pick<Route, "to" | "prefixLength">): boolean {
  return bitsOf(address).slice(0, prefixLength) === bitsOf(to).slice(0, prefixLength);
}

function bitsOf(address: string): string {
  return Array.from(parseIp(address) ?? [], (byte) => byte.toString(2).padStart(8, "0")).join("");
}
