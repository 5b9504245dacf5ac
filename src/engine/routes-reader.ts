import type { Remote } from "../domain/device.ts";
import type { Route } from "../domain/route.ts";
import { MOST_DAEMON_ROUTES, ROUTING_DAEMONS } from "../domain/routes.ts";
import type { Connection, Request } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import {
  devicesOfRoute,
  getRoutes,
  getRoutesOf,
  getRouteTo,
  isDefaultRoute,
  rtmsg,
} from "../netlink/route.ts";
import { decodeRoute } from "../netlink/route-entry.ts";
import { unlessGone } from "./unless-gone.ts";

const FAMILIES = ["inet", "inet6"] as const;

/** What the kernel told of the routes of each device, so that it is asked once. */
export interface RouteCache {
  /** RTM_NEWROUTE of all routes of a family that leave by a device. */
  of(ifindex: number, family: "inet" | "inet6"): readonly Message[];
}

/** A cache that is empty at first; of use for as long as one event is looked at. */
export function routeCache(connection: Connection): RouteCache {
  const known = new Map<string, readonly Message[]>();
  return {
    of(ifindex, family) {
      const key = `${family} ${ifindex}`;
      const messages =
        known.get(key) ?? unlessGone(() => connection.dump(getRoutesOf(ifindex, family))) ?? [];
      known.set(key, messages);
      return messages;
    },
  };
}

/** Whether a default route of any table and family leaves by this device. */
export function hasDefaultRoute(cache: RouteCache, ifindex: number): boolean {
  return FAMILIES.some((family) => cache.of(ifindex, family).some(({ payload }) => isDefaultRoute(payload)));
}

/**
 * All routes that leave by a device; but for those of routing daemons where these are more than
 * {@link MOST_DAEMON_ROUTES}: they are counted alone.
 */
export function readRoutes(
  cache: RouteCache,
  ifindex: number,
): { readonly routes: Route[]; readonly daemonRoutes: number } {
  const all = FAMILIES.flatMap((family) => cache.of(ifindex, family));
  const count = all.filter(({ payload }) => isOfDaemon(payload)).length;
  const daemonRoutes = count > MOST_DAEMON_ROUTES ? count : 0;
  const read = daemonRoutes > 0 ? all.filter(({ payload }) => !isOfDaemon(payload)) : all;
  return { routes: read.map(({ payload }) => decodeRoute(payload, ifindex)), daemonRoutes };
}

/** Without decoding all of it: a full table of the internet has a million. */
function isOfDaemon(payload: Uint8Array): boolean {
  return ROUTING_DAEMONS.has(payload[rtmsg.offsets.rtm_protocol] ?? 0);
}

/**
 * The devices that default routes of any table and family leave by; null where one does not say by which,
 * and only {@link hasDefaultRoute} tells.
 */
export function defaultRouteDevices(connection: Connection): ReadonlySet<number> | null {
  const found = new Set<number>();
  for (const family of FAMILIES) {
    for (const { payload } of connection.dump(getRoutes(family), (route) => isDefaultRoute(route.payload))) {
      const devices = devicesOfRoute(payload);
      if (devices.length === 0) return null;
      for (const ifindex of devices) found.add(ifindex);
    }
  }
  return found;
}

/** The devices that the route to a tunnel's other end leaves by; none where there is no route. */
export function devicesTowards(connection: Connection, remote: Remote): number[] {
  const whole = lookUp(connection, getRouteTo(remote, "whole"));
  return whole.length > 0 ? whole : lookUp(connection, getRouteTo(remote, "chosen"));
}

function lookUp(connection: Connection, request: Request): number[] {
  try {
    return connection.request(request).flatMap(({ payload }) => devicesOfRoute(payload));
  } catch (error) {
    // Whatever the reason is, nothing goes there.
    if (error instanceof NetlinkError) return [];
    throw error;
  }
}
