import { addLink, deleteLink } from "./links.ts";
import { refund } from "./move.ts";
import type { Namespace } from "./namespaces.ts";
import type { World } from "./world.ts";

/** ARPHRD_LOOPBACK (linux/if_arp.h). */
const ARPHRD_LOOPBACK = 772;

/** A namespace with nothing but lo in it. The first one of a world is init_net, and is held for good. */
export function addNamespace(world: World): Namespace {
  world.lastCookie += 1;
  const namespace: Namespace = {
    cookie: world.lastCookie,
    links: new Map(),
    nextIfindex: 1,
    holds: world.namespaces.length === 0 ? 1 : 0,
    rules: [],
    nsids: [],
    monitors: new Set(),
  };
  world.namespaces.push(namespace);
  const mac = "00:00:00:00:00:00";
  addLink(world, namespace, { name: "lo", kind: null, type: ARPHRD_LOOPBACK, mac, mtu: 65536 });
  return namespace;
}

/** One more process, fd, socket or mount that keeps a namespace. */
export function hold(namespace: Namespace): void {
  namespace.holds += 1;
}

/** Lets go of a namespace; with its last hold it is destroyed. */
export function letGo(world: World, namespace: Namespace): void {
  namespace.holds -= 1;
  if (namespace.holds === 0) destroy(world, namespace);
}

/** cleanup_net(): hardware returns to init_net, all else dies with the namespace. */
function destroy(world: World, namespace: Namespace): void {
  const [initial] = world.namespaces;
  for (const link of Array.from(namespace.links.values())) {
    if (initial !== undefined && link.kind === null && !link.rules.immutable) refund(world, link, initial);
  }
  for (const link of Array.from(namespace.links.values())) deleteLink(world, link);
  world.namespaces.splice(world.namespaces.indexOf(namespace), 1);
  for (const { nsids } of world.namespaces) {
    const nsid = nsids.indexOf(namespace);
    if (nsid >= 0) nsids[nsid] = null;
  }
}
