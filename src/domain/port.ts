import type { Device } from "./device.ts";
import type { MulticastGroup } from "./multicast-group.ts";

/** A range of VLANs of a bridge's port, from `first` to `last`. */
export interface PortVlan {
  readonly first: number;
  readonly last: number;
  /** Packets that come in without a tag are of it. */
  readonly pvid: boolean;
  /** Its packets go out without a tag. */
  readonly untagged: boolean;
  /** What was set of them alone, in the words of bridge(8): `tunnel_info id 1000`; left out: nothing. */
  readonly options?: string;
}

/** What a device is as a port, beside of which master (`Device.master`). */
export interface Port {
  /** By the names of {@link BRPORT} or {@link BOND_PORT}, of which none is in both. */
  readonly settings: Readonly<Record<string, number>>;
  /** In ascending order; null where the master knows none. */
  readonly vlans: readonly PortVlan[] | null;
  /** The device's own MAC, where its master lends it another; left out where none does. null: it is not known. */
  readonly mac?: string | null;
  /** Those that somebody made it a member of for good; left out where there are none. */
  readonly groups?: readonly MulticastGroup[];
}

/** The multicast groups that somebody made a port a member of; of none where it is no port. */
export function groupsOf(port: Port | null): readonly MulticastGroup[] {
  return port?.groups ?? [];
}

/** Masters whose ports have settings that are read and put back. */
export type PortKind = "bridge" | "bond";

/** One setting of a port: the number of its attribute, and how many bytes that has. */
export interface PortSetting {
  readonly name: string;
  readonly number: number;
  readonly bytes: 1 | 2 | 4;
}

/**
 * IFLA_BRPORT_* (linux/if_link.h): those that can be set, under the names that bridge(8) has for them. What a
 * bridge works out by itself is none of them: a port's timers, what it knows of the root, and its state but where
 * {@link isChosenState} says so.
 */
export const BRPORT: readonly PortSetting[] = [
  { name: "state", number: 1, bytes: 1 },
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

/** IFLA_BOND_SLAVE_* (linux/if_link.h): those that can be set, under the names that ip(8) has for them. */
export const BOND_PORT: readonly PortSetting[] = [
  { name: "queue_id", number: 5, bytes: 2 },
  { name: "prio", number: 9, bytes: 4 },
];

/** What a bond's port begins with. It is not to be written: most modes refuse a priority, whatever it is. */
const BEGINS_WITH: Port["settings"] = { queue_id: 0, prio: 0 };

/** BR_STATE_DISABLED: it does not outlast the next change of carrier, such as coming up (br_port_carrier_check()). */
export const BR_STATE_DISABLED = 0;
/** BR_STATE_FORWARDING (linux/if_bridge.h): what a port that runs has of a bridge that does without STP. */
const BR_STATE_FORWARDING = 3;

/**
 * Whether somebody chose the state of a port of a bridge that does without STP: what does not run is disabled, and
 * what runs forwards (br_stp_enable_port()). With STP it is for the bridge to say, or for a daemon of its own.
 */
export function isChosenState(state: number, { up, operstate }: Device): boolean {
  return up && (operstate === "up" || operstate === "unknown") && state !== BR_STATE_FORWARDING;
}

/** Those settings that `now` has not as `wanted`; where it is no port yet, all that a port may not begin with. */
export function portSettingsToSet(now: Port | null, wanted: Port | null): Port["settings"] {
  const is = now?.settings ?? BEGINS_WITH;
  const list = Object.entries(wanted?.settings ?? {});
  return Object.fromEntries(list.filter(([name, value]) => is[name] !== value));
}

/**
 * Masters that refuse a port which is up (bond_enslave(), team_port_add()), or take it down and up (vrf's
 * cycle_netdev()): it is down for that in any case, and loses what any device does by going down.
 */
const JOINED_DOWN: ReadonlySet<string | null> = new Set(["bond", "team", "vrf"]);

/** Whether a device is down when it becomes a port of a master of this kind, or ceases to be one. */
export function isJoinedDown(kind: string | null): boolean {
  return JOINED_DOWN.has(kind);
}

/** What has to be done for a port to have the VLANs `wanted` in place of those of `now`. */
export function vlanChanges(now: readonly PortVlan[], wanted: readonly PortVlan[]) {
  if (vlansText(now) === vlansText(wanted)) return { remove: [], add: [] };
  const isWanted = (vid: number) => wanted.some(({ first, last }) => first <= vid && vid <= last);
  const remove = now.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at)
      .filter((vid) => !isWanted(vid))
      .map((vid): PortVlan => ({ first: vid, last: vid, pvid: false, untagged: false })),
  );
  return { remove, add: wanted };
}

/** Those with options of their own that `now` has not, or not with these. */
export function vlanOptionsMissing(now: Port | null, wanted: Port | null): PortVlan[] {
  const there = (now?.vlans ?? []).map(vlanOptionsText);
  return vlansWithOptions(wanted).filter((vlan) => !there.includes(vlanOptionsText(vlan)));
}

/** Those VLANs of a port of which something was set alone. */
export function vlansWithOptions(port: Port | null): PortVlan[] {
  return (port?.vlans ?? []).filter(({ options }) => options !== undefined);
}

/** For a person: `options of VLAN 100-105 (tunnel_info id 1000)`. */
export function vlanOptionsText({ first, last, options = "none" }: PortVlan): string {
  return `options of VLAN ${rangeText(first, last)} (${options})`;
}

/** VLANs for a person, as bridge(8) has them: `1 pvid untagged, 100-105`; without their options. */
export function vlansText(vlans: readonly PortVlan[]): string {
  const texts = withoutOptions(vlans).map(({ first, last, pvid, untagged }) => {
    const range = rangeText(first, last);
    return `${range}${pvid ? " pvid" : ""}${untagged ? " untagged" : ""}`;
  });
  return texts.join(", ") || "none";
}

function rangeText(first: number, last: number): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** The kernel tells those with other options apart (br_vlan_opts_eq_range()), which else are one range. */
function withoutOptions(vlans: readonly PortVlan[]): PortVlan[] {
  const ranges: PortVlan[] = [];
  for (const { options: _, ...vlan } of vlans) {
    const before = ranges.at(-1);
    const goesOn =
      before?.last === vlan.first - 1 && before.pvid === vlan.pvid && before.untagged === vlan.untagged;
    if (before !== undefined && goesOn && !vlan.pvid)
      ranges[ranges.length - 1] = { ...before, last: vlan.last };
    else ranges.push(vlan);
  }
  return ranges;
}
