import { struct } from "../../ffi/layout.ts";
import type { Neighbour } from "../domain/neighbour.ts";
import { ip } from "./address.ts";
import { attributes, type Codec, lladdr, u16, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { DecodeError, viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from "./uapi.ts";

/** struct ndmsg (linux/neighbour.h); the pads are written out. */
export const ndmsg = struct("ndmsg", {
  ndm_family: "u8",
  ndm_pad1: "u8",
  ndm_pad2: "u16",
  ndm_ifindex: "i32",
  ndm_state: "u16",
  ndm_flags: "u8",
  ndm_type: "u8",
});

/** A UDP port, in network order (NDA_PORT). */
const be16: Codec<number> = {
  decode: (payload) => viewOf("__be16", payload, 2).getUint16(0, false),
  encode: (value) => Uint8Array.of(value >> 8, value & 0xff),
};

/** NDA_* (linux/neighbour.h). */
export const NDA = attributes({
  NDA_DST: [1, ip],
  NDA_LLADDR: [2, lladdr],
  NDA_VLAN: [5, u16],
  NDA_PORT: [6, be16],
  NDA_VNI: [7, u32],
  NDA_IFINDEX: [8, u32],
});

/** RTM_NEWNEIGH, RTM_GETNEIGH. */
export const neighbourMessage = family(ndmsg, NDA);

const NTF_PROXY = 0x08;
const FAMILIES = { inet: AF_INET, inet6: AF_INET6, bridge: AF_BRIDGE } as const;
/** What a tunnel does with what it has no entry for: the one address that may have several. */
const NO_LLADDR = /^[0:]+$/;

/** Which of the tables of a device are read: neighbours of both families, proxies, or the forwarding database. */
export type NeighbourTable = "neighbours" | "proxies" | "fdb";

/** Reads one of the tables of one device; for `dump`. The kernel filters by ifindex. */
export function getNeighbours(ifindex: number, table: NeighbourTable): Request {
  const about = `list ${table} of device ${ifindex}`;
  if (table === "fdb") {
    const header = { ndm_family: AF_BRIDGE, ndm_ifindex: ifindex };
    return neighbourMessage.request(RTM_GETNEIGH, 0, header, {}, about);
  }
  const header = { ndm_family: AF_UNSPEC, ndm_flags: table === "proxies" ? NTF_PROXY : 0 };
  return neighbourMessage.request(RTM_GETNEIGH, 0, header, { NDA_IFINDEX: ifindex }, about);
}

/** Makes an entry, in place of what was learned of the same one meanwhile. */
export function addNeighbour(ifindex: number, neighbour: Neighbour, about: string): Request {
  const header = {
    ndm_family: FAMILIES[neighbour.family],
    ndm_ifindex: ifindex,
    ndm_state: neighbour.state,
    ndm_flags: neighbour.flags,
  };
  const values = {
    NDA_DST: neighbour.address ?? undefined,
    NDA_LLADDR: neighbour.lladdr ?? undefined,
    NDA_VLAN: neighbour.vlan ?? undefined,
    NDA_PORT: neighbour.port ?? undefined,
    NDA_VNI: neighbour.vni ?? undefined,
    NDA_IFINDEX: neighbour.via ?? undefined,
  };
  const isOneOfSeveral = neighbour.family === "bridge" && NO_LLADDR.test(neighbour.lladdr ?? "");
  const flags = NLM_F_CREATE | (isOneOfSeveral ? NLM_F_APPEND : NLM_F_REPLACE);
  return neighbourMessage.request(RTM_NEWNEIGH, flags, header, values, about);
}

/** The entry that an RTM_NEWNEIGH tells of, and the ifindex of its device. */
export function decodeNeighbour(payload: Uint8Array): {
  readonly ifindex: number;
  readonly neighbour: Neighbour;
} {
  const { header, values } = neighbourMessage.decode(payload);
  const families = ["inet", "inet6", "bridge"] as const;
  const family = families.find((name) => FAMILIES[name] === header.ndm_family);
  if (family === undefined) throw new DecodeError(`ndmsg of family ${header.ndm_family}`, 0, ndmsg.size, 0);
  const neighbour: Neighbour = {
    family,
    address: values.NDA_DST ?? null,
    lladdr: values.NDA_LLADDR ?? null,
    state: header.ndm_state,
    flags: header.ndm_flags,
    vlan: values.NDA_VLAN ?? null,
    port: values.NDA_PORT ?? null,
    vni: values.NDA_VNI ?? null,
    via: values.NDA_IFINDEX ?? null,
  };
  return { ifindex: header.ndm_ifindex, neighbour };
}
