import type { Link } from "./links.ts";
import type { World } from "./world.ts";

/** Whether packets can get through: by its own cable, its peer, or what it is built on. */
export function hasCarrier(link: Link): boolean {
  if (!link.up) return false;
  if (link.kind === "veth") return link.peer?.up === true;
  return link.lower === null ? link.carrier : hasCarrier(link.lower);
}

/** RFC 2863 as IFLA_OPERSTATE numbers it. */
export function operstateOf(link: Link): number {
  const [unknown, down, lowerLayerDown, up] = [0, 2, 3, 6];
  if (!link.up) return down;
  if (!hasCarrier(link)) return link.kind === "veth" || link.lower !== null ? lowerLayerDown : down;
  return link.rules.operstateUnknown ? unknown : up;
}

/** A veth's peer, and what is built on the link: wherever they are. */
export function dependentsOf(world: World, link: Link): Link[] {
  const all = world.namespaces.flatMap(({ links }) => Array.from(links.values()));
  return all.filter((other) => other.lower === link || other.peer === link);
}
