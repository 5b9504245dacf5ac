import { struct } from "../../ffi/layout.ts";
import type { PortVlan } from "../domain/port.ts";
import { attributes, listOf, nested, raw, u8, u16, u32, type Values } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { ifinfomsg } from "./link.ts";
import { AF_BRIDGE, RTM_DELLINK, RTM_GETVLAN, RTM_SETLINK } from "./uapi.ts";

/** struct br_vlan_msg (linux/if_bridge.h); the pads are written out. */
export const br_vlan_msg = struct("br_vlan_msg", {
  family: "u8",
  reserved1: "u8",
  reserved2: "u16",
  ifindex: "u32",
});

/** struct bridge_vlan_info (linux/if_bridge.h). */
const bridge_vlan_info = struct("bridge_vlan_info", { flags: "u16", vid: "u16" });

/** BRIDGE_VLAN_INFO_* (linux/if_bridge.h). */
const FLAG = { pvid: 0x02, untagged: 0x04, rangeBegin: 0x08, rangeEnd: 0x10 } as const;

const BRIDGE_VLANDB_ENTRY = 1;
const ENTRIES = {
  BRIDGE_VLANDB_ENTRY_INFO: [1, raw],
  BRIDGE_VLANDB_ENTRY_RANGE: [2, u16],
  BRIDGE_VLANDB_ENTRY_STATE: [3, u8],
  BRIDGE_VLANDB_ENTRY_TUNNEL_INFO: [4, nested(attributes({ BRIDGE_VLANDB_TINFO_ID: [1, u32] }))],
  BRIDGE_VLANDB_ENTRY_MCAST_ROUTER: [6, u8],
  BRIDGE_VLANDB_ENTRY_MCAST_MAX_GROUPS: [8, u32],
  BRIDGE_VLANDB_ENTRY_NEIGH_SUPPRESS: [9, u8],
} as const;
const ENTRY = attributes(ENTRIES);
const entries = listOf(BRIDGE_VLANDB_ENTRY, nested(ENTRY));
const vlanMessage = family(br_vlan_msg, attributes({}));

const IFLA_BRIDGE_VLAN_INFO = 2;
const { decode, encode } = listOf(IFLA_BRIDGE_VLAN_INFO, raw);
// Without its table: bridge(8) sends it without NLA_F_NESTED, and so it is what every kernel has seen.
const bridgeLink = family(ifinfomsg, attributes({ IFLA_AF_SPEC: [26, { decode, encode }] }));

/** Reads the VLANs of one port; for `dump`. EOPNOTSUPP where the kernel's bridges know none. */
export function getPortVlans(ifindex: number): Request {
  return vlanMessage.request(
    RTM_GETVLAN,
    0,
    { family: AF_BRIDGE, ifindex },
    {},
    `list VLANs of port ${ifindex}`,
  );
}

/** The VLANs that an RTM_NEWVLAN tells of. */
export function decodePortVlans(payload: Uint8Array): PortVlan[] {
  viewOf(br_vlan_msg.name, payload, br_vlan_msg.size);
  return entries.decode(payload.subarray(br_vlan_msg.size)).flatMap((entry) => {
    if (entry.BRIDGE_VLANDB_ENTRY_INFO === undefined) return [];
    const view = viewOf(bridge_vlan_info.name, entry.BRIDGE_VLANDB_ENTRY_INFO, bridge_vlan_info.size);
    const { flags, vid } = bridge_vlan_info.decode(view, 0);
    return [
      {
        first: vid,
        last: entry.BRIDGE_VLANDB_ENTRY_RANGE ?? vid,
        pvid: (flags & FLAG.pvid) !== 0,
        untagged: (flags & FLAG.untagged) !== 0,
        ...optionsOf(entry),
      },
    ];
  });
}

/** BR_STATE_* and MDB_RTR_TYPE_TEMP_QUERY (linux/if_bridge.h): what a VLAN of a port begins with. */
const STATES = ["disabled", "listening", "learning", "forwarding", "blocking"];
const BEGINS_WITH = { state: 3, mcast_router: 1 } as const;

/** What of a VLAN is not as it begins, in the words of bridge(8). */
function optionsOf(entry: Values<typeof ENTRIES>): Pick<PortVlan, "options"> {
  const tunnel = entry.BRIDGE_VLANDB_ENTRY_TUNNEL_INFO?.BRIDGE_VLANDB_TINFO_ID;
  const state = entry.BRIDGE_VLANDB_ENTRY_STATE ?? BEGINS_WITH.state;
  const router = entry.BRIDGE_VLANDB_ENTRY_MCAST_ROUTER ?? BEGINS_WITH.mcast_router;
  const groups = entry.BRIDGE_VLANDB_ENTRY_MCAST_MAX_GROUPS ?? 0;
  const options = [
    ...(tunnel === undefined ? [] : [`tunnel_info id ${tunnel}`]),
    ...(state === BEGINS_WITH.state ? [] : [`state ${STATES[state] ?? state}`]),
    ...(router === BEGINS_WITH.mcast_router ? [] : [`mcast_router ${router}`]),
    ...(groups === 0 ? [] : [`mcast_max_groups ${groups}`]),
    ...((entry.BRIDGE_VLANDB_ENTRY_NEIGH_SUPPRESS ?? 0) === 0 ? [] : ["neigh_suppress on"]),
  ];
  return options.length === 0 ? {} : { options: options.join(", ") };
}

/** Gives VLANs to a port. */
export function addPortVlans(ifindex: number, vlans: readonly PortVlan[], about: string): Request {
  return bridgeLink.request(RTM_SETLINK, 0, header(ifindex), { IFLA_AF_SPEC: infos(vlans) }, about);
}

/** Takes VLANs from a port. */
export function deletePortVlans(ifindex: number, vlans: readonly PortVlan[], about: string): Request {
  const bare = vlans.map((vlan) => ({ ...vlan, pvid: false, untagged: false }));
  return bridgeLink.request(RTM_DELLINK, 0, header(ifindex), { IFLA_AF_SPEC: infos(bare) }, about);
}

function header(ifindex: number) {
  return { ifi_family: AF_BRIDGE, ifi_index: ifindex };
}

/** A range is told by its first and its last. */
function infos(vlans: readonly PortVlan[]): Uint8Array[] {
  return vlans.flatMap(({ first, last, pvid, untagged }) => {
    const flags = (pvid ? FLAG.pvid : 0) | (untagged ? FLAG.untagged : 0);
    if (first === last) return [info(flags, first)];
    return [info(flags | FLAG.rangeBegin, first), info(flags | FLAG.rangeEnd, last)];
  });
}

function info(flags: number, vid: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(bridge_vlan_info.size));
  bridge_vlan_info.encode({ flags, vid }, new DataView(bytes.buffer), 0);
  return bytes;
}
