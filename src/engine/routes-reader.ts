import type { Remote } from "../domain/device.ts";
import type { Connection, Request } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { devicesOfRoute, getRoutes, getRoutesOf, getRouteTo, isDefaultRoute } from "../netlink/route.ts";

const FAMILIES = ["inet", "inet6"] as const;

/** Whether a default route of any table and family leaves by this device. */
export function hasDefaultRoute(connection: Connection, ifindex: number): boolean {
  return FAMILIES.some((family) =>
    connection.dump(getRoutesOf(ifindex, family)).some(({ payload }) => isDefaultRoute(payload)),
  );
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
