import type { Neighbour } from "../../../src/domain/neighbour.ts";
import { INET_MIN_MTU } from "./inet.ts";
import { IPV6_MIN_MTU } from "./inet6.ts";
import type { Link } from "./links.ts";
import { refuse } from "./refusal.ts";

/** NTF_PROXY (linux/neighbour.h). */
export const NTF_PROXY = 0x08;

/** RTM_NEWNEIGH, in place of the same entry. */
export function addNeighbour(link: Link, neighbour: Neighbour): void {
  const isProxy = (neighbour.flags & NTF_PROXY) !== 0;
  switch (neighbour.family) {
    case "bridge":
      // macvlan_fdb_add(): in passthru mode alone, which none has here.
      if (link.kind === "macvlan") refuse("EOPNOTSUPP");
      break;
    case "inet":
      // arp_constructor(); the proxies of IPv4 look at nothing.
      if (!isProxy && link.mtu < INET_MIN_MTU) refuse("EINVAL");
      break;
    case "inet6":
      if (link.mtu >= IPV6_MIN_MTU) break;
      // pndisc_constructor(), ndisc_allow_add().
      if (isProxy) refuse("ENOBUFS");
      refuse("EINVAL", "IPv6 is disabled on this device");
  }
  const same = ({ family, address, lladdr, flags }: Neighbour) =>
    family === neighbour.family &&
    address === neighbour.address &&
    (flags & NTF_PROXY) === (neighbour.flags & NTF_PROXY) &&
    (family !== "bridge" || lladdr === neighbour.lladdr);
  keep(link, (one) => !same(one));
  link.neighbours.push(neighbour);
}

/** neigh_ifdown(): a forwarding database stays. */
export function flushNeighbours(link: Link, of: "inet" | "inet6" | null = null): void {
  keep(link, ({ family }) => family === "bridge" || (of !== null && family !== of));
}

/** neigh_changeaddr(): proxies stay. */
export function forgetNeighbours(link: Link): void {
  keep(link, ({ family, flags }) => family === "bridge" || (flags & NTF_PROXY) !== 0);
}

function keep(link: Link, stays: (neighbour: Neighbour) => boolean): void {
  link.neighbours.splice(0, link.neighbours.length, ...link.neighbours.filter(stays));
}
