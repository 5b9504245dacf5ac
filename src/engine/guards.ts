import type { Device } from "../domain/device.ts";
import {
  absoluteGuard,
  builtOnGuard,
  defaultRouteGuard,
  type Guard,
  lifelineGuard,
} from "../domain/guard.ts";
import { type Stack, stackOf, throughDevice } from "../domain/stack.ts";
import type { Connection } from "../netlink/connection.ts";
import {
  defaultRouteDevices,
  devicesTowards,
  hasDefaultRoute,
  type RouteCache,
  routeCache,
} from "./routes-reader.ts";

/** What guards the devices of home, as they are while one event is looked at. */
export interface Guards {
  /** The first guard of a device, or null. With `force` those that it lifts are not looked for. */
  first(device: Device, force: boolean): Guard | null;
  /** All guards of a device. */
  all(device: Device): Guard[];
  stack(): Stack;
}

/**
 * Each question by device makes the kernel go through all of its routes, and so does one for all of them: where
 * there are more devices than this to ask about, the latter is asked.
 */
const FEW = 16;

/**
 * The guards of `devices`. Nothing is asked of the kernel before it is needed, and nothing twice.
 *
 * @param away devices of home that are in containers, or chosen to go: what they are built on carries them all
 *   the same
 * @param routes what is asked of the routes of single devices is asked there
 */
export function guardsOf(
  connection: Connection,
  devices: ReadonlyMap<number, Device>,
  away: readonly Device[],
  routes: RouteCache = routeCache(connection),
): Guards {
  const asked = new Map<number, boolean>();
  let known: Stack | null = null;

  function stack(): Stack {
    known ??= stackOf(devices.values(), routed());
    return known;
  }

  function routed(): Map<number, number[]> {
    const ways = new Map<number, number[]>();
    for (const { ifindex, remote, linkNetnsid } of devices.values()) {
      // A tunnel sends by the routes of the namespace that it was made in.
      if (remote !== null && linkNetnsid === null) ways.set(ifindex, devicesTowards(connection, remote));
    }
    return ways;
  }

  function carriesDefault(ifindex: number): boolean {
    const carries = asked.get(ifindex) ?? hasDefaultRoute(routes, ifindex);
    asked.set(ifindex, carries);
    return carries;
  }

  function defaultRoute(device: Device): Guard | null {
    const through = throughDevice(device, stack());
    const open = through.filter(({ ifindex }) => !asked.has(ifindex));
    const all = open.length > FEW ? defaultRouteDevices(connection) : null;
    if (all !== null) for (const { ifindex } of open) asked.set(ifindex, all.has(ifindex));
    const route = through.find(({ ifindex }) => carriesDefault(ifindex));
    return route === undefined ? null : defaultRouteGuard(device, route);
  }

  return {
    first(device, force) {
      const absolute = absoluteGuard(device) ?? lifelineGuard(device, away);
      if (absolute !== null || force) return absolute;
      return builtOnGuard(device, stack(), away) ?? defaultRoute(device);
    },
    all(device) {
      const builtOn = lifelineGuard(device, away) ?? builtOnGuard(device, stack(), away);
      const guards = [absoluteGuard(device), defaultRoute(device), builtOn];
      return guards.filter((guard) => guard !== null);
    },
    stack,
  };
}
