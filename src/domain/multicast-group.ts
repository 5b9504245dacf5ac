/** A multicast group that somebody made a bridge's port a member of for good (`bridge mdb add … permanent`). */
export interface MulticastGroup {
  /** Of IPv4 or IPv6, or a MAC. */
  readonly address: string;
  /** 0: none. */
  readonly vlan: number;
  /** The one sender that it is of; null: any. */
  readonly source: string | null;
  /** MCAST_EXCLUDE (0) or MCAST_INCLUDE (1): what {@link MulticastGroup.sources} are for; null: it is not told. */
  readonly mode: number | null;
  readonly sources: readonly string[];
  /** Who made it, as of a route: 4 static, …; null: it is not told. */
  readonly protocol: number | null;
}

/** Those of `wanted` that `now` has not. */
export function groupsMissing(
  now: readonly MulticastGroup[],
  wanted: readonly MulticastGroup[],
): MulticastGroup[] {
  const there = new Set(now.map(keyOf));
  return wanted.filter((group) => !there.has(keyOf(group)));
}

/** A group for a person: `multicast group 239.1.1.1 src 192.0.2.1 vid 7`. */
export function groupText({ address, source, vlan }: MulticastGroup): string {
  const of = source === null ? "" : ` src ${source}`;
  return `multicast group ${address}${of}${vlan === 0 ? "" : ` vid ${vlan}`}`;
}

function keyOf({ address, vlan, source, mode, sources, protocol }: MulticastGroup): string {
  return [address, vlan, source, mode, protocol, ...sources.toSorted()].join(" ");
}
