import type { Device } from "./device.ts";
import { endsWithLower, lowerOf, type Stack } from "./stack.ts";

/** Why a device is not to be given away. */
export interface Guard {
  readonly rule: "loopback" | "master" | "immutable" | "default-route" | "built-on";
  /** Whether `force = true` lifts it. */
  readonly liftable: boolean;
  /** Completes "the device …". */
  readonly reason: string;
}

/** ARPHRD_LOOPBACK (linux/if_arp.h). */
const ARPHRD_LOOPBACK = 772;
/** Kinds that others are ports of. Their ports would be cut off, and the kernel moves none of them. */
const MASTER_KINDS: ReadonlySet<string> = new Set(["bridge", "bond", "team", "vrf"]);
/** The guard that no `force` lifts, or null. */
export function absoluteGuard(device: Device): Guard | null {
  if (device.type === ARPHRD_LOOPBACK) {
    return {
      rule: "loopback",
      liftable: false,
      reason: "is the loopback device, which every namespace has its own of",
    };
  }
  if (device.kind !== null && MASTER_KINDS.has(device.kind)) {
    return { rule: "master", liftable: false, reason: `is a ${device.kind}, which its ports cannot follow` };
  }
  if (device.netnsImmutable === true) {
    return {
      rule: "immutable",
      liftable: false,
      reason: "cannot change its namespace, says the kernel (IFLA_NETNS_IMMUTABLE)",
    };
  }
  return null;
}

/** The guard of a device that others are built on (VLANs, macvlans, tunnels bound to it), or null. */
export function builtOnGuard(device: Device, stack: Stack, away: readonly Device[]): Guard | null {
  const upper =
    stack.above(device.ifindex).find(({ rest }) => rest === "built-on")?.device ??
    away.find((other) => lowerOf(other).has(device.ifindex));
  if (upper === undefined) return null;
  return { rule: "built-on", liftable: true, reason: `carries ${upper.name}, which is built on it` };
}

/**
 * The guard of a device whose leaving would destroy one that is to come home, or null. No `force` lifts it.
 *
 * @param away devices that are in containers, or are about to be
 */
export function lifelineGuard(device: Device, away: readonly Device[]): Guard | null {
  const upper = away.find((other) => endsWithLower(other) && lowerOf(other).has(device.ifindex));
  if (upper === undefined) return null;
  const reason = `carries ${upper.name}, which is given to a container and is destroyed when what it is built on leaves`;
  return { rule: "built-on", liftable: false, reason };
}

/** The guard of a device by which a default route leaves: `route` is the device that the route names. */
export function defaultRouteGuard(device: Device, route: Device): Guard {
  const own = device.ifindex === route.ifindex;
  const reason = own ? "carries a default route" : `lies under ${route.name}, which carries a default route`;
  return { rule: "default-route", liftable: true, reason };
}
