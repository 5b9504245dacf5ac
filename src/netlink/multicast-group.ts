import { struct } from "../../ffi/layout.ts";
import { formatIp, parseIp } from "../domain/ip.ts";
import { formatMac, macBytes } from "../domain/mac.ts";
import type { MulticastGroup } from "../domain/multicast-group.ts";
import { RTPROT_STATIC } from "../domain/route.ts";
import { ip } from "./address.ts";
import { attributes, type Codec, listOf, nested, raw, u8 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { AF_BRIDGE, NLM_F_CREATE, NLM_F_REPLACE, RTM_GETMDB, RTM_NEWMDB } from "./uapi.ts";

/** struct br_port_msg (linux/if_bridge.h); the pads are written out. */
export const br_port_msg = struct("br_port_msg", {
  family: "u8",
  pad1: "u8",
  pad2: "u16",
  ifindex: "u32",
});

/** struct br_mdb_entry (linux/if_bridge.h) up to its union of addresses, which `proto` tells apart. */
const br_mdb_entry = struct("br_mdb_entry", { ifindex: "u32", state: "u8", flags: "u8", vid: "u16" });
/** The address, its proto (an Ethernet type in network order), and the padding to the struct's alignment. */
const ADDRESS = {
  at: br_mdb_entry.size,
  proto: br_mdb_entry.size + 16,
  size: br_mdb_entry.size + 20,
} as const;

/** MDB_PERMANENT (linux/if_bridge.h): somebody made it; all others come and go with those who listen. */
const MDB_PERMANENT = 1;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;

/** MDBA_MDB_EATTR_*: behind an entry that is told. */
const EATTR = attributes({
  MDBA_MDB_EATTR_SRC_LIST: [2, listOf(1, nested(attributes({ MDBA_MDB_SRCATTR_ADDRESS: [1, ip] })))],
  MDBA_MDB_EATTR_GROUP_MODE: [3, u8],
  MDBA_MDB_EATTR_SOURCE: [4, ip],
  MDBA_MDB_EATTR_RTPROT: [5, u8],
});

/** MDBE_ATTR_*: what goes with an entry that is made. */
const MDBE = attributes({
  MDBE_ATTR_SOURCE: [1, ip],
  MDBE_ATTR_SRC_LIST: [2, listOf(1, nested(attributes({ MDBE_SRCATTR_ADDRESS: [1, ip] })))],
  MDBE_ATTR_GROUP_MODE: [3, u8],
  MDBE_ATTR_RTPROT: [4, u8],
});

const MDBA_MDB_ENTRY = 1;
const MDBA_MDB_ENTRY_INFO = 1;
const entries: Codec<readonly (readonly Uint8Array[])[]> = listOf(
  MDBA_MDB_ENTRY,
  listOf(MDBA_MDB_ENTRY_INFO, raw),
);

/** RTM_GETMDB, and what it is answered with. */
const tableMessage = family(br_port_msg, attributes({ MDBA_MDB: [1, entries] }));
/** RTM_NEWMDB. */
export const entryMessage = family(
  br_port_msg,
  attributes({ MDBA_SET_ENTRY: [1, raw], MDBA_SET_ENTRY_ATTRS: [2, nested(MDBE)] }),
);

/** Reads the groups of all bridges; for `dump`. The kernel filters by nothing. */
export function getGroups(): Request {
  return tableMessage.request(RTM_GETMDB, 0, { family: AF_BRIDGE }, {}, "list multicast groups of bridges");
}

/** Makes a port a member for good, in place of what was learned of the same group meanwhile. */
export function addGroup(bridge: number, ifindex: number, group: MulticastGroup, about: string): Request {
  const { source, sources, mode, protocol } = group;
  const hasSources = sources.length > 0;
  // What goes without saying is not said: kernels before 6.3 refuse all but the source.
  const attributes = {
    MDBE_ATTR_SOURCE: source ?? undefined,
    MDBE_ATTR_SRC_LIST: hasSources ? sources.map((from) => ({ MDBE_SRCATTR_ADDRESS: from })) : undefined,
    MDBE_ATTR_GROUP_MODE: hasSources ? (mode ?? undefined) : undefined,
    MDBE_ATTR_RTPROT: protocol === RTPROT_STATIC ? undefined : (protocol ?? undefined),
  };
  const isPlain = Object.values(attributes).every((value) => value === undefined);
  const values = {
    MDBA_SET_ENTRY: entryOf(ifindex, group),
    MDBA_SET_ENTRY_ATTRS: isPlain ? undefined : attributes,
  };
  const header = { family: AF_BRIDGE, ifindex: bridge };
  return entryMessage.request(RTM_NEWMDB, NLM_F_CREATE | NLM_F_REPLACE, header, values, about);
}

/** The groups that an answer to {@link getGroups} tells a port to be in for good. */
export function decodeGroups(payload: Uint8Array, ifindex: number): MulticastGroup[] {
  const told = tableMessage.decode(payload).values.MDBA_MDB ?? [];
  return told.flat().flatMap((bytes) => {
    const view = viewOf(br_mdb_entry.name, bytes, ADDRESS.size);
    const { ifindex: port, state, vid } = br_mdb_entry.decode(view, 0);
    if (port !== ifindex || state !== MDB_PERMANENT) return [];
    const { values } = EATTR.decode(bytes.subarray(ADDRESS.size));
    const sources = (values.MDBA_MDB_EATTR_SRC_LIST ?? []).flatMap(
      ({ MDBA_MDB_SRCATTR_ADDRESS: address }) => address ?? [],
    );
    const group: MulticastGroup = {
      address: addressIn(bytes, view.getUint16(ADDRESS.proto, false)),
      vlan: vid,
      source: values.MDBA_MDB_EATTR_SOURCE ?? null,
      mode: values.MDBA_MDB_EATTR_GROUP_MODE ?? null,
      sources,
      protocol: values.MDBA_MDB_EATTR_RTPROT ?? null,
    };
    return [group];
  });
}

function addressIn(bytes: Uint8Array, proto: number): string {
  if (proto === ETH_P_IP) return formatIp(bytes.subarray(ADDRESS.at, ADDRESS.at + 4));
  if (proto === ETH_P_IPV6) return formatIp(bytes.subarray(ADDRESS.at, ADDRESS.at + 16));
  return formatMac(bytes.subarray(ADDRESS.at, ADDRESS.at + 6));
}

function entryOf(ifindex: number, { address, vlan }: MulticastGroup): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(ADDRESS.size));
  const view = new DataView(bytes.buffer);
  br_mdb_entry.encode({ ifindex, state: MDB_PERMANENT, vid: vlan }, view, 0);
  const internet = parseIp(address);
  bytes.set(internet ?? macBytes(address), ADDRESS.at);
  const proto = internet === null ? 0 : internet.length === 4 ? ETH_P_IP : ETH_P_IPV6;
  view.setUint16(ADDRESS.proto, proto, false);
  return bytes;
}
