/** What a device is as the port of a bridge, beside which one that is (`Device.master`). */
export interface Port {
  /** By the names of {@link BRPORT}. */
  readonly settings: Readonly<Record<string, number>>;
}

/**
 * IFLA_BRPORT_* (linux/if_link.h): those that can be set, under the names that bridge(8) has for them. What a
 * bridge works out by itself is none of them: the state of a port, its timers, what it knows of the root.
 */
export const BRPORT: readonly {
  readonly name: string;
  readonly number: number;
  readonly bytes: 1 | 2 | 4;
}[] = [
  { name: "priority", number: 2, bytes: 2 },
  { name: "cost", number: 3, bytes: 4 },
  { name: "hairpin", number: 4, bytes: 1 },
  { name: "guard", number: 5, bytes: 1 },
  { name: "root_block", number: 6, bytes: 1 },
  { name: "fastleave", number: 7, bytes: 1 },
  { name: "learning", number: 8, bytes: 1 },
  { name: "flood", number: 9, bytes: 1 },
  { name: "proxy_arp", number: 10, bytes: 1 },
  { name: "proxy_arp_wifi", number: 12, bytes: 1 },
  { name: "mcast_router", number: 25, bytes: 1 },
  { name: "mcast_flood", number: 27, bytes: 1 },
  { name: "mcast_to_unicast", number: 28, bytes: 1 },
  { name: "vlan_tunnel", number: 29, bytes: 1 },
  { name: "bcast_flood", number: 30, bytes: 1 },
  { name: "group_fwd_mask", number: 31, bytes: 2 },
  { name: "neigh_suppress", number: 32, bytes: 1 },
  { name: "isolated", number: 33, bytes: 1 },
  { name: "backup_port", number: 34, bytes: 4 },
  { name: "mcast_eht_hosts_limit", number: 37, bytes: 4 },
  { name: "locked", number: 39, bytes: 1 },
  { name: "mab", number: 40, bytes: 1 },
  { name: "mcast_max_groups", number: 42, bytes: 4 },
  { name: "neigh_vlan_suppress", number: 43, bytes: 1 },
  { name: "backup_nhid", number: 44, bytes: 4 },
];

/** Those settings that `now` has not as `wanted`; all of them where it is no port yet. */
export function portSettingsToSet(now: Port | null, wanted: Port | null): Port["settings"] {
  const list = Object.entries(wanted?.settings ?? {});
  return Object.fromEntries(list.filter(([name, value]) => now?.settings[name] !== value));
}
