import type { Device } from "./device.ts";

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
/** Kinds whose IFLA_LINK names the other end and not a lower device. */
const PEER_KINDS: ReadonlySet<string> = new Set(["veth", "vxcan", "netkit"]);

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

/** The guard of a device that others are built on (VLANs, macvlans, tunnels), or null. */
export function builtOnGuard(device: Device, devices: readonly Device[]): Guard | null {
  const upper = devices.find((other) => isBuiltOn(other, device.ifindex));
  if (upper === undefined) return null;
  return { rule: "built-on", liftable: true, reason: `carries ${upper.name}, which is built on it` };
}

/** The guard of a device by which a default route leaves: `route` is the device that the route names. */
export function defaultRouteGuard(device: Device, route: Device): Guard {
  const own = device.ifindex === route.ifindex;
  const reason = own ? "carries a default route" : `lies under ${route.name}, which carries a default route`;
  return { rule: "default-route", liftable: true, reason };
}

/**
 * The device itself and all that reach the network through it, at any depth: the masters it is a port of,
 * and what is built on it.
 */
export function throughDevice(device: Device, devices: readonly Device[]): Device[] {
  const found = new Map([[device.ifindex, device]]);
  for (const lower of found.values()) {
    for (const other of devices) {
      const above = isBuiltOn(other, lower.ifindex) || lower.master === other.ifindex;
      if (above) found.set(other.ifindex, other);
    }
  }
  return Array.from(found.values());
}

function isBuiltOn(device: Device, lower: number): boolean {
  if (device.underlay === lower) return true;
  if (device.link !== lower || device.linkNetnsid !== null || device.ifindex === lower) return false;
  return device.kind === null || !PEER_KINDS.has(device.kind);
}
