import type { PortVlan } from "./port.ts";

/** A neighbour, a proxy for one, or an entry of a forwarding database, that somebody made to stay. */
export interface Neighbour {
  readonly family: "inet" | "inet6" | "bridge";
  /** NDA_DST: whom it is about; of a tunnel's forwarding database, the other end. */
  readonly address: string | null;
  /** NDA_LLADDR. */
  readonly lladdr: string | null;
  /** ndm_state. */
  readonly state: number;
  /** ndm_flags. */
  readonly flags: number;
  /** NDA_VLAN. */
  readonly vlan: number | null;
  /** NDA_PORT, of a tunnel. */
  readonly port: number | null;
  /** NDA_VNI, of a tunnel. */
  readonly vni: number | null;
  /** NDA_IFINDEX: the device that a tunnel sends by. */
  readonly via: number | null;
}

/** NUD_* and NTF_* (linux/neighbour.h). */
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const NTF_SELF = 0x02;
const NTF_PROXY = 0x08;

/**
 * Whether somebody made it, and to stay: what the kernel has learned, and what it keeps for itself (multicast
 * groups that it has joined, a bridge's own addresses), it learns and makes again.
 */
export function isMadeToStay(neighbour: Neighbour, mac: string | null): boolean {
  const { family, state, flags, lladdr } = neighbour;
  if (family !== "bridge") return (flags & NTF_PROXY) !== 0 || (state & NUD_PERMANENT) !== 0;
  if (lladdr === mac || lladdr === null || isMulticast(lladdr)) return false;
  return (state & (NUD_PERMANENT | NUD_NOARP)) !== 0;
}

/**
 * Whether an entry of a bridge's forwarding database was made before its port got the last of these VLANs: one of no
 * VLAN the kernel makes for each that there is by then (br_fdb_add()).
 *
 * @param made all entries of the port
 */
export function isOlderThan(
  vlans: readonly PortVlan[],
  { family, flags, vlan, lladdr }: Neighbour,
  made: readonly Neighbour[],
): boolean {
  if (family !== "bridge" || (flags & NTF_SELF) !== 0 || vlan !== null) return false;
  const having = new Set(made.flatMap((one) => (one.lladdr === lladdr && one.vlan !== null ? one.vlan : [])));
  return vlans.some(({ first, last }) => {
    for (let id = first; id <= last; id++) if (!having.has(id)) return true;
    return false;
  });
}

/** Those of `wanted` that `now` has not. */
export function neighboursMissing(now: readonly Neighbour[], wanted: readonly Neighbour[]): Neighbour[] {
  return wanted.filter((one) => !now.some((other) => isSame(one, other)));
}

/** A neighbour for a person: `neighbour 192.0.2.9 02:00:00:00:00:09`. */
export function neighbourText({ family, address, lladdr, flags }: Neighbour): string {
  if (family !== "bridge") {
    return (flags & NTF_PROXY) !== 0 ? `proxy ${address}` : `neighbour ${address} ${lladdr ?? ""}`.trim();
  }
  const where = (flags & NTF_SELF) !== 0 ? "self" : "master";
  return `fdb ${lladdr}${address === null ? "" : ` dst ${address}`} ${where}`;
}

function isMulticast(lladdr: string): boolean {
  return (Number.parseInt(lladdr.slice(0, 2), 16) & 1) === 1;
}

function isSame(a: Neighbour, b: Neighbour): boolean {
  return (
    a.family === b.family &&
    a.address === b.address &&
    a.lladdr === b.lladdr &&
    a.state === b.state &&
    a.flags === b.flags &&
    a.vlan === b.vlan &&
    a.port === b.port &&
    a.vni === b.vni &&
    a.via === b.via
  );
}
