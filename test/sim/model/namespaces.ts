import type { Link } from "./links.ts";
import type { Listener } from "./notifications.ts";
import type { Rule } from "./rules.ts";

/** A network namespace. */
export interface Namespace {
  readonly cookie: number;
  /** By ifindex. */
  readonly links: Map<number, Link>;
  /** Policy rules, but for the kernel's own. */
  readonly rules: Rule[];
  /** Where the search for a free ifindex begins. */
  nextIfindex: number;
  /** Processes, fds, sockets and mounts: with the last one it goes. */
  holds: number;
  /** Other namespaces that it has a nsid for; the nsid is the place in the list. */
  readonly nsids: (Namespace | null)[];
  readonly monitors: Set<Listener>;
}

/** The link with a name or altname, which are of one space; null where there is none. */
export function linkNamed(namespace: Namespace, name: string): Link | null {
  for (const link of namespace.links.values()) {
    if (link.name === name || link.altnames.includes(name)) return link;
  }
  return null;
}

/** dev_index_reserve() for a link without a wish: the next number that is free, going up (xa_alloc_cyclic()). */
export function nextIndex(namespace: Namespace): number {
  let index = namespace.nextIfindex;
  while (namespace.links.has(index)) index += 1;
  namespace.nextIfindex = index + 1;
  return index;
}

/** peernet2id_alloc(): how `namespace` calls another one. */
export function nsidOf(namespace: Namespace, other: Namespace): number {
  const known = namespace.nsids.indexOf(other);
  if (known >= 0) return known;
  const free = namespace.nsids.indexOf(null);
  const nsid = free >= 0 ? free : namespace.nsids.length;
  namespace.nsids[nsid] = other;
  return nsid;
}

/** Tells all who listen in a namespace. */
export function deliver(namespace: Namespace, news: () => Uint8Array): void {
  if (namespace.monitors.size === 0) return;
  const datagram = news();
  for (const monitor of namespace.monitors) monitor.deliver(datagram);
}
