import { RT_SCOPE_LINK } from "../../../src/domain/address.ts";
import { parseIp } from "../../../src/domain/ip.ts";
import type { Route } from "../../../src/domain/route.ts";
import { routesMissing } from "../../../src/domain/routes.ts";
import { IPV6_MIN_MTU } from "./inet6.ts";
import type { Link } from "./links.ts";
import type { Namespace } from "./namespaces.ts";
import { refuse } from "./refusal.ts";

/** IP6_RT_PRIO_USER (net/ip6_route.h). */
const IP6_RT_PRIO_USER = 1024;

/**
 * RTM_NEWROUTE with NLM_F_CREATE and NLM_F_APPEND: a route of one nexthop, as somebody adds it. Those that the
 * kernel makes of addresses are not among them; route-requests.ts tells those of table 255.
 */
export function addRoute(namespace: Namespace, link: Link, given: Route): void {
  const route = told(given);
  const { family, source } = route;
  const isInet = family === "inet";
  const [nexthop] = route.nexthops;
  if (nexthop?.gateway && !nexthop.onlink && !(link.up && isOnLink(link, nexthop.gateway))) {
    if (isInet) refuse("ENETUNREACH", "Nexthop has invalid gateway");
    refuse("EHOSTUNREACH");
  }
  if (!link.up) refuse("ENETDOWN");
  if (!isInet && link.mtu < IPV6_MIN_MTU) refuse("ENODEV");
  if (source !== null && !hasAddress(namespace, source)) {
    refuse("EINVAL", isInet ? "Invalid prefsrc address" : "Invalid source address");
  }
  if (link.routes.some((other) => isSame(other, route))) refuse("EEXIST");
  link.routes.push(route);
}

/** RTM_DELROUTE. */
export function deleteRoute(link: Link, given: Route): void {
  const route = told(given);
  const at = link.routes.findIndex((other) => isSame(other, route));
  if (at < 0) refuse("ESRCH");
  link.routes.splice(at, 1);
}

/** fib_disable_ip(), rt6_disable_ip(): a link that is down, or has lost its last address, has no routes. */
export function flushRoutes(link: Link, family: Route["family"] | null = null): void {
  const kept = link.routes.filter((route) => family !== null && route.family !== family);
  link.routes.splice(0, link.routes.length, ...kept);
}

/** fib_sync_down_addr(): what was sent from an address that is gone is not sent any more. */
export function dropSource(link: Link, source: string): void {
  const kept = link.routes.filter((route) => route.family === "inet6" || route.source !== source);
  const without = kept.map((route) => (route.source === source ? { ...route, source: null } : route));
  link.routes.splice(0, link.routes.length, ...without);
}

function isSame(one: Route, other: Route): boolean {
  return one.to === other.to && routesMissing([one], [other]).length === 0;
}

/** A route as the kernel tells it: with the metric that it gives to IPv6 routes without one. */
function told(route: Route): Route {
  if (route.family === "inet") return route;
  return { ...route, metric: route.metric ?? IP6_RT_PRIO_USER, preference: route.preference ?? 0, scope: 0 };
}

function isOnLink(link: Link, gateway: string): boolean {
  if (gateway.startsWith("fe80:")) return true;
  const { inet, inet6 } = link.addresses;
  const prefixes = gateway.includes(":") ? inet6 : inet;
  const routed = link.routes.filter(
    ({ nexthops: [first], scope, family }) =>
      first?.gateway === null && (family === "inet6" || scope === RT_SCOPE_LINK),
  );
  return (
    prefixes.some(({ local, peer, prefixLength }) => isWithin(gateway, peer ?? local, prefixLength)) ||
    routed.some(({ to, prefixLength }) => isWithin(gateway, to, prefixLength))
  );
}

function hasAddress(namespace: Namespace, source: string): boolean {
  return Array.from(namespace.links.values()).some(({ addresses }) =>
    [...addresses.inet, ...addresses.inet6].some(({ local }) => local === source),
  );
}

function isWithin(address: string, network: string, prefixLength: number): boolean {
  const [one, other] = [parseIp(address) ?? [], parseIp(network) ?? []];
  const isSameBelow = (byte: number, at: number) => {
    const ignored = Math.min(8, Math.max(0, (at + 1) * 8 - prefixLength));
    return byte >> ignored === (other[at] ?? 0) >> ignored;
  };
  return one.length === other.length && one.every(isSameBelow);
}
