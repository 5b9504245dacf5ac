import type { Device } from "../../../src/domain/device.ts";
import { addLink, type Link, pair } from "./links.ts";
import type { Namespace } from "./namespaces.ts";
import type { World } from "./world.ts";

/**
 * Puts into a namespace of the model the devices that a real one has, with what is built on what. They have
 * to be as they were made: without addresses.
 */
export function imitate(world: World, namespace: Namespace, devices: readonly Device[]): void {
  const made = new Map<number, Link>();
  const byIfindex = new Map(devices.map((device) => [device.ifindex, device]));

  function make(device: Device): Link {
    const known = made.get(device.ifindex);
    if (known !== undefined) return known;
    const { operstate: _, linkNetnsid: __, slaveKind: ___, remote: ____, ...rest } = device;
    const { netnsImmutable, flags, link, underlay, ...same } = rest;
    const lower = device.kind === "veth" ? null : linkOf(link ?? underlay);
    const master = linkOf(device.master);
    const immutable = netnsImmutable === true;
    const own = addLink(world, namespace, {
      ...same,
      flags: flags ?? 0,
      lower,
      master,
      rules: { immutable },
    });
    made.set(device.ifindex, own);
    return own;
  }

  function linkOf(ifindex: number | null): Link | null {
    const device = ifindex === null ? undefined : byIfindex.get(ifindex);
    return device === undefined ? null : make(device);
  }

  for (const device of devices) {
    if (device.name === "lo") continue;
    const link = make(device);
    const peer = device.kind === "veth" && device.link !== null ? made.get(device.link) : undefined;
    if (peer !== undefined) pair(link, peer);
  }
  namespace.nextIfindex = Math.max(...namespace.links.keys()) + 1;
}
