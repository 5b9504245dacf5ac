import type { Snapshot } from "./snapshot.ts";

/** A nexthop object (`ip nexthop`) that leaves by a device, which the kernel deletes when that goes down. */
export interface NexthopObject {
  /** NHA_ID: what routes, groups and bridges' ports name it by. */
  readonly id: number;
  /** NHA_GATEWAY. */
  readonly gateway: string | null;
}

/** Those that no route on record has: of a route that has one it is told already (whyNotRestorable()). */
export function loneNexthops({ nexthops = [], routes }: Snapshot): NexthopObject[] {
  const used = new Set(routes.map(({ nexthopId }) => nexthopId));
  return nexthops.filter(({ id }) => !used.has(id));
}

/** Those of `wanted` that are lone and that `now` has not. */
export function nexthopsMissing(now: Snapshot, wanted: Snapshot): NexthopObject[] {
  const there = now.nexthops ?? [];
  return loneNexthops(wanted).filter(
    ({ id, gateway }) => !there.some((other) => other.id === id && other.gateway === gateway),
  );
}

/** For a person: `nexthop object 5 via 192.0.2.9`. */
export function nexthopText({ id, gateway }: NexthopObject): string {
  return `nexthop object ${id}${gateway === null ? "" : ` via ${gateway}`}`;
}
