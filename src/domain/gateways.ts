import { type Address, IFA_F_NOPREFIXROUTE, RT_SCOPE_LINK } from "./address.ts";
import { type Route, RT_TABLE_MAIN, RTN_UNICAST, RTPROT_STATIC } from "./route.ts";
import { isWithin } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";

/** Behind all others that there may be to the same place. */
const LAST_METRIC = 0xffff_ffff;

/**
 * Routes to those gateways of `routes` that nothing of the device leads to any more, its address having been deleted
 * after they were made. The kernel looks for a way to a gateway when a route is made and never again
 * (fib_check_nh_v4_gw(), ip6_route_check_nh()): they have to be there meanwhile, and are to go afterwards.
 */
export function waysToGateways(routes: readonly Route[], snapshot: Snapshot): Route[] {
  const gateways = routes
    .flatMap(({ nexthops }) => nexthops)
    .flatMap(({ device, gateway, onlink }) =>
      device === null && gateway !== null && !onlink ? gateway : [],
    );
  return Array.from(new Set(gateways))
    .filter((gateway) => !isOnLink(gateway, snapshot))
    .map(wayTo);
}

function isOnLink(gateway: string, { addresses, routes }: Snapshot): boolean {
  if (gateway.startsWith("fe80:")) return true;
  const family = familyOf(gateway);
  return (
    addresses.some((address) => address.family === family && hasPrefixOf(address, gateway)) ||
    routes.some(
      (route) =>
        route.family === family &&
        route.nexthops.some(({ device, gateway: next }) => device === null && next === null) &&
        isWithin(gateway, route),
    )
  );
}

function hasPrefixOf({ flags, peer, local, prefixLength }: Address, gateway: string): boolean {
  return (flags & IFA_F_NOPREFIXROUTE) === 0 && isWithin(gateway, { to: peer ?? local, prefixLength });
}

function wayTo(gateway: string): Route {
  const family = familyOf(gateway);
  return {
    family,
    to: gateway,
    prefixLength: family === "inet" ? 32 : 128,
    from: null,
    fromLength: 0,
    table: RT_TABLE_MAIN,
    type: RTN_UNICAST,
    scope: family === "inet" ? RT_SCOPE_LINK : 0,
    protocol: RTPROT_STATIC,
    tos: 0,
    metric: LAST_METRIC,
    source: null,
    realm: null,
    nexthops: [{ device: null, gateway: null, onlink: false, weight: 1 }],
    metrics: {},
    preference: null,
    lifetime: null,
    nexthopId: null,
    encapsulated: false,
  };
}

function familyOf(address: string): Route["family"] {
  return address.includes(":") ? "inet6" : "inet";
}
