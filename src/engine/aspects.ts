import type { Snapshot } from "../domain/snapshot.ts";
import type { Place } from "../domain/step.ts";

/** What is read of a device beside itself and its addresses. Each costs requests, or files, of its own. */
export interface Aspects {
  /** Settings below /proc/sys/net, those aside that come with the device; "all" that are known. */
  readonly sysctls: "all" | readonly string[];
  readonly routes: boolean;
  readonly nexthops: boolean;
  /** Policy rules that name a device by these names; "own": by what it is called. */
  readonly rules: "own" | readonly string[];
  /** Static multicast addresses. */
  readonly multicasts: boolean;
  /** The IPv6 interface identifier. */
  readonly token: boolean;
  readonly neighbours: boolean;
  /** Multicast groups of a bridge's port. */
  readonly groups: boolean;
  /** Those of its root and of its ingress. */
  readonly qdiscs: boolean;
}

/** All that a Snapshot can hold: what is read before a device is touched. */
export const EVERYTHING: Aspects = {
  sysctls: "all",
  routes: true,
  nexthops: true,
  rules: "own",
  multicasts: true,
  token: true,
  neighbours: true,
  groups: true,
  qdiscs: true,
};

/** Nothing beside the device and its addresses. */
export const NOTHING: Aspects = {
  sysctls: [],
  routes: false,
  nexthops: false,
  rules: [],
  multicasts: false,
  token: false,
  neighbours: false,
  groups: false,
  qdiscs: false,
};

/** What has to be read of a device to tell whether it is what it shall be. */
export function aspectsFor(goal: Snapshot, place: Place): Aspects {
  const settings = Object.keys(goal.sysctls);
  return {
    sysctls: place === "home" && settings.length > 0 ? "all" : settings,
    routes: goal.routes.length > 0,
    nexthops: (goal.nexthops ?? []).length > 0,
    rules: (goal.rules ?? []).length > 0 ? [goal.device.name, ...goal.device.altnames] : [],
    multicasts: (goal.multicasts ?? []).length > 0,
    token: goal.token !== undefined,
    neighbours: goal.neighbours.length > 0,
    groups: (goal.port?.groups ?? []).length > 0,
    qdiscs: goal.qdisc !== null || goal.ingress !== null,
  };
}
