import { struct } from "../../ffi/layout.ts";
import { attributes, i32, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { family } from "./family.ts";
import { RTM_GETNSID } from "./uapi.ts";

/** struct rtgenmsg (linux/rtnetlink.h), padded to NLMSG_ALIGNTO. */
export const rtgenmsg = struct("rtgenmsg", { rtgen_family: "u8", __pad1: "u8", __pad2: "u16" });

/** NETNSA_* (linux/net_namespace.h). */
export const NETNSA = attributes({
  NETNSA_NSID: [1, i32],
  NETNSA_FD: [3, u32],
});

/** RTM_NEWNSID, RTM_GETNSID. */
export const nsidMessage = family(rtgenmsg, NETNSA);

/** NETNSA_NSID_NOT_ASSIGNED. */
const NOT_ASSIGNED = -1;

/** Lists the namespaces that a namespace has a number for: those that it has ever had to do with. For `dump`. */
export function getNsids(): Request {
  return nsidMessage.request(RTM_GETNSID, 0, {}, {}, "list related namespaces");
}

/** What number the namespace of an open fd has. */
export function getNsidOf(fd: number): Request {
  return nsidMessage.request(RTM_GETNSID, 0, {}, { NETNSA_FD: fd }, "look up a namespace's number");
}

/** The number that an RTM_NEWNSID tells; null where there is none. */
export function decodeNsid(payload: Uint8Array): number | null {
  const nsid = nsidMessage.decode(payload).values.NETNSA_NSID ?? NOT_ASSIGNED;
  return nsid === NOT_ASSIGNED ? null : nsid;
}
