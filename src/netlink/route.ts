import { struct } from "../../ffi/layout.ts";
import { attributes, raw, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { family } from "./family.ts";
import { AF_INET, AF_INET6, RTM_GETROUTE } from "./uapi.ts";

/** struct rtmsg (linux/rtnetlink.h). */
export const rtmsg = struct("rtmsg", {
  rtm_family: "u8",
  rtm_dst_len: "u8",
  rtm_src_len: "u8",
  rtm_tos: "u8",
  rtm_table: "u8",
  rtm_protocol: "u8",
  rtm_scope: "u8",
  rtm_type: "u8",
  rtm_flags: "u32",
});

/** RTA_* (linux/rtnetlink.h): what the guards ask for. */
export const RTA = attributes({
  RTA_DST: [1, raw],
  RTA_OIF: [4, u32],
  RTA_PRIORITY: [6, u32],
  RTA_MULTIPATH: [9, raw],
  RTA_TABLE: [15, u32],
});

/** RTM_NEWROUTE, RTM_GETROUTE. */
export const routeMessage = family(rtmsg, RTA);

/** RTN_UNICAST: leads somewhere, unlike blackhole, local or broadcast routes. */
const RTN_UNICAST = 1;

/** Reads the routes of all tables that leave by one device, multipath included; for `dump`. */
export function getRoutesOf(ifindex: number, of: "inet" | "inet6"): Request {
  const header = { rtm_family: of === "inet" ? AF_INET : AF_INET6 };
  return routeMessage.request(
    RTM_GETROUTE,
    0,
    header,
    { RTA_OIF: ifindex },
    `list routes of device ${ifindex}`,
  );
}

/** Whether an RTM_NEWROUTE tells of a default route: to everywhere, by a next hop. */
export function isDefaultRoute(payload: Uint8Array): boolean {
  const { header } = routeMessage.decode(payload);
  return header.rtm_dst_len === 0 && header.rtm_type === RTN_UNICAST;
}
