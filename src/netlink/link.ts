import { struct } from "../../ffi/layout.ts";
import { type Device, USER_FLAGS } from "../domain/device.ts";
import type { LinkChange } from "../domain/step.ts";
import { asciiz, attributes, i32, listOf, lladdr, nested, raw, text, u8, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { DecodeError } from "./decode-error.ts";
import { family } from "./family.ts";
import { wayOf } from "./tunnel.ts";
import {
  AF_UNSPEC,
  IFF_UP,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTEXT_FILTER_SKIP_STATS,
  RTM_DELLINKPROP,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_NEWLINKPROP,
} from "./uapi.ts";

/** struct ifinfomsg (linux/rtnetlink.h); the pad is written out. */
export const ifinfomsg = struct("ifinfomsg", {
  ifi_family: "u8",
  __ifi_pad: "u8",
  ifi_type: "u16",
  ifi_index: "i32",
  ifi_flags: "u32",
  ifi_change: "u32",
});

const IFLA_ALT_IFNAME = 53;
/** linux/if.h; the NUL included. */
const IFNAMSIZ = 16;

/** IFLA_INFO_* (linux/if_link.h). */
export const IFLA_INFO = attributes({
  IFLA_INFO_KIND: [1, asciiz],
  IFLA_INFO_DATA: [2, raw],
  IFLA_INFO_SLAVE_KIND: [4, asciiz],
  IFLA_INFO_SLAVE_DATA: [5, raw],
});

/** IFLA_* (linux/if_link.h). */
export const IFLA = attributes({
  IFLA_ADDRESS: [1, lladdr],
  IFLA_IFNAME: [3, asciiz],
  IFLA_MTU: [4, u32],
  IFLA_LINK: [5, u32],
  IFLA_MASTER: [10, u32],
  IFLA_TXQLEN: [13, u32],
  IFLA_OPERSTATE: [16, u8],
  IFLA_LINKINFO: [18, nested(IFLA_INFO)],
  IFLA_NET_NS_PID: [19, u32],
  IFLA_IFALIAS: [20, text],
  IFLA_AF_SPEC: [26, raw],
  IFLA_GROUP: [27, u32],
  IFLA_NET_NS_FD: [28, u32],
  IFLA_EXT_MASK: [29, u32],
  IFLA_LINK_NETNSID: [37, i32],
  IFLA_NEW_NETNSID: [45, i32],
  IFLA_TARGET_NETNSID: [46, i32],
  IFLA_NEW_IFINDEX: [49, i32],
  IFLA_PROP_LIST: [52, listOf(IFLA_ALT_IFNAME, asciiz)],
  IFLA_ALT_IFNAME: [IFLA_ALT_IFNAME, asciiz],
  IFLA_PERM_ADDRESS: [54, lladdr],
  IFLA_PARENT_DEV_NAME: [56, asciiz],
  IFLA_PARENT_DEV_BUS_NAME: [57, asciiz],
  IFLA_NETNS_IMMUTABLE: [67, u8],
});

/** RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK. */
export const linkMessage = family(ifinfomsg, IFLA);

/** Where one RTM_NEWLINK moves a device to. */
export interface Move {
  /** An open fd of the namespace. */
  readonly namespace: number;
  /** Asks for this ifindex there; EBUSY where it is taken. null: the same if free, else the lowest free. */
  readonly newIfindex: number | null;
}

const NO_STATS = { IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS };

/**
 * Reads one device by its ifindex; ENODEV where there is none.
 *
 * @param whole with its statistics, and what the kernel leaves out with them (inet6_fill_ifla6_attrs())
 */
export function getLink(ifindex: number, whole = false): Request {
  const about = `look at device ${ifindex}`;
  const header = { ifi_family: AF_UNSPEC, ifi_index: ifindex };
  return linkMessage.request(RTM_GETLINK, 0, header, whole ? {} : NO_STATS, about);
}

/** Reads one device by its name or by one of its altnames; ENODEV where there is none. */
export function getLinkByName(name: string): Request {
  // IFLA_IFNAME is good for altnames too, and holds IFNAMSIZ bytes at most.
  const fits = new TextEncoder().encode(name).length < IFNAMSIZ;
  const values = { ...NO_STATS, ...(fits ? { IFLA_IFNAME: name } : { IFLA_ALT_IFNAME: name }) };
  return linkMessage.request(RTM_GETLINK, 0, { ifi_family: AF_UNSPEC }, values, `look at device ${name}`);
}

/** Reads all devices; for `dump`. */
export function getLinks(): Request {
  return linkMessage.request(RTM_GETLINK, 0, { ifi_family: AF_UNSPEC }, NO_STATS, "list devices");
}

/** Reads all devices of another namespace, by the number that it has in the one that is asked; for `dump`. */
export function getLinksOf(nsid: number): Request {
  const values = { IFLA_TARGET_NETNSID: nsid, ...NO_STATS };
  const about = `list devices of namespace ${nsid}`;
  return linkMessage.request(RTM_GETLINK, 0, { ifi_family: AF_UNSPEC }, values, about);
}

/**
 * Changes a device, and moves it first where `move` is given.
 *
 * RTM_NEWLINK without NLM_F_CREATE, as iproute2 does it: RTM_SETLINK takes a part of the attributes only.
 * It is not atomic: the kernel moves, then changes in an order of its own, and stops at the first failure
 * with what it has done left done.
 */
export function changeLink(ifindex: number, change: LinkChange, move: Move | null, about: string): Request {
  const flags = (change.up === true ? IFF_UP : 0) | (change.flags ?? 0);
  const changed = (change.up === null ? 0 : IFF_UP) | (change.flags === null ? 0 : USER_FLAGS);
  const values = {
    IFLA_NET_NS_FD: move?.namespace,
    IFLA_NEW_IFINDEX: move?.newIfindex ?? undefined,
    IFLA_IFNAME: change.name ?? undefined,
    IFLA_MTU: change.mtu ?? undefined,
    IFLA_ADDRESS: change.mac ?? undefined,
    IFLA_IFALIAS: change.alias ?? undefined,
    IFLA_TXQLEN: change.txqueuelen ?? undefined,
    IFLA_GROUP: change.group ?? undefined,
    IFLA_MASTER: change.master ?? undefined,
  };
  return linkMessage.request(
    RTM_NEWLINK,
    0,
    { ifi_index: ifindex, ifi_flags: flags, ifi_change: changed },
    values,
    about,
  );
}

/** Gives a device one more altname (RTM_NEWLINKPROP). */
export function addAltname(ifindex: number, altname: string, about: string): Request {
  const values = { IFLA_PROP_LIST: [altname] };
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  return linkMessage.request(RTM_NEWLINKPROP, flags, { ifi_index: ifindex }, values, about);
}

/** Takes an altname from a device (RTM_DELLINKPROP). */
export function deleteAltname(ifindex: number, altname: string, about: string): Request {
  return linkMessage.request(
    RTM_DELLINKPROP,
    0,
    { ifi_index: ifindex },
    { IFLA_PROP_LIST: [altname] },
    about,
  );
}

/** The ifindex that a device has got elsewhere, of an RTM_DELLINK that tells of a move; null: it is no more. */
export function movedTo(payload: Uint8Array): number | null {
  return linkMessage.decode(payload).values.IFLA_NEW_IFINDEX ?? null;
}

/** RFC 2863 operational states by number (linux/if.h, IF_OPER_*). */
const OPERSTATES = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;

/** The Device that an RTM_NEWLINK tells of. One without a name is a {@link DecodeError}. */
export function decodeLink(payload: Uint8Array): Device {
  const { header, values } = linkMessage.decode(payload);
  const name = values.IFLA_IFNAME;
  if (name === undefined) throw new DecodeError("IFLA_IFNAME", payload.length, 1, 0);
  const info = values.IFLA_LINKINFO;
  return {
    ifindex: header.ifi_index,
    name,
    altnames: values.IFLA_PROP_LIST ?? [],
    alias: values.IFLA_IFALIAS ?? null,
    kind: info?.IFLA_INFO_KIND ?? null,
    type: header.ifi_type,
    mac: values.IFLA_ADDRESS ?? null,
    permanentMac: values.IFLA_PERM_ADDRESS ?? null,
    mtu: values.IFLA_MTU ?? 0,
    txqueuelen: values.IFLA_TXQLEN ?? 0,
    group: values.IFLA_GROUP ?? 0,
    flags: header.ifi_flags & USER_FLAGS,
    up: (header.ifi_flags & IFF_UP) !== 0,
    operstate: OPERSTATES[values.IFLA_OPERSTATE ?? 0] ?? "unknown",
    // 0 is what kinds without a lower device of their own tell: nothing has ifindex 0.
    link: values.IFLA_LINK || null,
    linkNetnsid: values.IFLA_LINK_NETNSID ?? null,
    master: values.IFLA_MASTER || null,
    slaveKind: info?.IFLA_INFO_SLAVE_KIND ?? null,
    ...wayOf(info?.IFLA_INFO_KIND, info?.IFLA_INFO_DATA),
    parentBus: values.IFLA_PARENT_DEV_BUS_NAME ?? null,
    parentDev: values.IFLA_PARENT_DEV_NAME ?? null,
    netnsImmutable: values.IFLA_NETNS_IMMUTABLE === undefined ? null : values.IFLA_NETNS_IMMUTABLE !== 0,
  };
}
