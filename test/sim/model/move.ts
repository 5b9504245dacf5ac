import { flush } from "./addresses.ts";
import { dependentsOf } from "./carrier.ts";
import { linkDatagram } from "./link-message.ts";
import { deleteLink, type Link, leaveMaster, setDown, tell } from "./links.ts";
import { preparedName } from "./names.ts";
import { deliver, linkNamed, type Namespace, nextIndex, nsidOf } from "./namespaces.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { World } from "./world.ts";

/**
 * __dev_change_net_namespace(): under its old name where that is free, else under `pattern`.
 *
 * @param newIfindex 0: the one that it has if free, else the next free one
 */
export function move(
  world: World,
  link: Link,
  target: Namespace,
  pattern: string | null,
  newIfindex: number,
): void {
  if (link.rules.immutable) refuse("EINVAL", "The interface netns is immutable");
  const name = nameFor(link, target, pattern);
  for (const altname of link.altnames) {
    if (linkNamed(target, altname) !== null) {
      refuse("EEXIST", `An interface with the altname ${altname} exists in the target netns`);
    }
  }
  const ifindex = indexFor(link, target, newIfindex);
  const source = link.namespace;
  // vxlan_handle_lowerdev_unregister(): a vxlan takes its lower device's leaving for its end.
  for (const upper of dependentsOf(world, link)) if (upper.kind === "vxlan") deleteLink(world, upper);
  leaveMaster(world, link);
  setDown(world, link);
  flush(link);
  link.sysctls.clear();
  link.neighbours.length = 0;
  // dev_mc_flush().
  link.multicasts.length = 0;
  link.qdisc = null;
  link.token = null;
  source.links.delete(link.ifindex);
  const moved = { nsid: nsidOf(source, target), ifindex };
  deliver(source, () => linkDatagram(link, { type: "deleted", moved }));
  link.namespace = target;
  link.ifindex = ifindex;
  link.name = name;
  target.links.set(ifindex, link);
  tell(link);
  for (const other of dependentsOf(world, link)) tell(other);
}

/** default_device_exit_net(): hardware leaves a namespace that dies, under the name that it has there. */
export function refund(world: World, link: Link, initial: Namespace): void {
  const fallback = `dev${link.ifindex}`;
  const kept = link.altnames.filter((altname) => linkNamed(initial, altname) === null);
  link.altnames.splice(0, link.altnames.length, ...kept);
  move(world, link, initial, linkNamed(initial, fallback) === null ? fallback : "dev%d", 0);
}

function nameFor(link: Link, target: Namespace, pattern: string | null): string {
  if (linkNamed(target, link.name) === null) return link.name;
  if (pattern === null) refuse("EEXIST", "An interface with the same name exists in the target netns");
  try {
    return preparedName(target, pattern);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const extack = `Unable to use '${pattern}' for the new interface name in the target netns`;
    throw new Refusal(error.code, extack);
  }
}

function indexFor(link: Link, target: Namespace, wanted: number): number {
  if (wanted === 0) return target.links.has(link.ifindex) ? nextIndex(target) : link.ifindex;
  if (target.links.has(wanted)) {
    refuse("EBUSY", `The ifindex ${wanted} is not available in the target netns`);
  }
  return wanted;
}
