import type { Device } from "./device.ts";

/**
 * How what is above a device rests on it: built on it or bound to it (a VLAN, a macvlan, a tunnel), the master
 * that it is a port of, or a tunnel that is bound to no device and sends by the routes.
 */
export type Rest = "built-on" | "master" | "routed";

/** One device directly above another. */
export interface Above {
  readonly device: Device;
  readonly rest: Rest;
}

/** Which devices of one namespace rest on which. */
export interface Stack {
  above(ifindex: number): readonly Above[];
}

/** Kinds whose IFLA_LINK names the other end and not a lower device. */
const PEER_KINDS: ReadonlySet<string> = new Set(["veth", "vxcan", "netkit"]);

/** Kinds that take their lower device's leaving for its end (vxlan_handle_lowerdev_unregister(), macsec_notify()). */
const MORTAL_KINDS: ReadonlySet<string> = new Set(["vxlan", "macsec"]);

/** Whether a device is destroyed when what it is built on leaves; all others wait for its return. */
export function endsWithLower({ kind }: Device): boolean {
  return kind !== null && MORTAL_KINDS.has(kind);
}

/**
 * The Stack of `devices`, which are all of their namespace.
 *
 * @param routed for each tunnel that is bound to no device, by ifindex, the devices that the routes to its other
 *   end leave by
 */
export function stackOf(
  devices: Iterable<Device>,
  routed: ReadonlyMap<number, readonly number[]> = new Map(),
): Stack {
  const all = Array.from(devices);
  const byIfindex = new Map(all.map((device) => [device.ifindex, device]));
  const found = new Map<number, Above[]>();
  const put = (lower: number | null, device: Device | undefined, rest: Rest) => {
    if (lower === null || device === undefined || device.ifindex === lower) return;
    const known = found.get(lower);
    if (known === undefined) found.set(lower, [{ device, rest }]);
    else known.push({ device, rest });
  };
  for (const device of all) {
    for (const lower of lowerOf(device)) put(lower, device, "built-on");
    if (device.master !== null) put(device.ifindex, byIfindex.get(device.master), "master");
    for (const lower of routed.get(device.ifindex) ?? []) put(lower, device, "routed");
  }
  return { above: (ifindex) => found.get(ifindex) ?? [] };
}

/** The ifindexes in its own namespace of what a device is built on or bound to. */
export function lowerOf({ kind, link, linkNetnsid, underlay }: Device): ReadonlySet<number> {
  // With IFLA_LINK_NETNSID both are ifindexes of the namespace that it was made in.
  if (linkNetnsid !== null) return new Set();
  const isPeer = kind !== null && PEER_KINDS.has(kind);
  return new Set([isPeer ? null : link, underlay].filter((lower) => lower !== null));
}

/** The device itself and all that reach the network through it, at any depth, the nearest first. */
export function throughDevice(device: Device, stack: Stack): Device[] {
  const found = new Map([[device.ifindex, device]]);
  for (const lower of found.values()) {
    for (const { device: above } of stack.above(lower.ifindex)) {
      if (!found.has(above.ifindex)) found.set(above.ifindex, above);
    }
  }
  return Array.from(found.values());
}
