import { struct } from "../../ffi/layout.ts";
import type { NexthopObject } from "../domain/nexthop-object.ts";
import { ip } from "./address.ts";
import { attributes, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { family } from "./family.ts";
import { RTM_GETNEXTHOP } from "./uapi.ts";

/** struct nhmsg (linux/nexthop.h). */
export const nhmsg = struct("nhmsg", {
  nh_family: "u8",
  nh_scope: "u8",
  nh_protocol: "u8",
  resvd: "u8",
  nh_flags: "u32",
});

/** NHA_* (linux/nexthop.h). */
export const NHA = attributes({ NHA_ID: [1, u32], NHA_OIF: [5, u32], NHA_GATEWAY: [6, ip] });

/** RTM_NEWNEXTHOP, RTM_GETNEXTHOP. */
export const nexthopMessage = family(nhmsg, NHA);

/** Reads the nexthop objects that leave by one device; for `dump`. EOPNOTSUPP before Linux 5.3, which has none. */
export function getNexthops(ifindex: number): Request {
  return nexthopMessage.request(
    RTM_GETNEXTHOP,
    0,
    {},
    { NHA_OIF: ifindex },
    `list nexthop objects of device ${ifindex}`,
  );
}

/** The nexthop object that an RTM_NEWNEXTHOP tells of; null where it does not leave by this device alone. */
export function decodeNexthop(payload: Uint8Array, ifindex: number): NexthopObject | null {
  const { NHA_ID, NHA_OIF, NHA_GATEWAY = null } = nexthopMessage.decode(payload).values;
  return NHA_ID === undefined || NHA_OIF !== ifindex ? null : { id: NHA_ID, gateway: NHA_GATEWAY };
}
