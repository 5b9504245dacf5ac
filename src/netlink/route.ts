import { alignUp, struct } from "../../ffi/layout.ts";
import type { Remote } from "../domain/device.ts";
import { parseIp } from "../domain/ip.ts";
import { ip } from "./address.ts";
import { attributes, raw, u8, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
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

/** RTA_* (linux/rtnetlink.h). */
export const RTA = attributes({
  RTA_DST: [1, raw],
  RTA_SRC: [2, raw],
  RTA_OIF: [4, u32],
  RTA_GATEWAY: [5, ip],
  RTA_PRIORITY: [6, u32],
  RTA_PREFSRC: [7, ip],
  RTA_METRICS: [8, raw],
  RTA_MULTIPATH: [9, raw],
  RTA_FLOW: [11, u32],
  RTA_CACHEINFO: [12, raw],
  RTA_TABLE: [15, u32],
  RTA_MARK: [16, u32],
  RTA_VIA: [18, raw],
  RTA_PREF: [20, u8],
  RTA_ENCAP: [22, raw],
  RTA_EXPIRES: [23, u32],
  RTA_NH_ID: [30, u32],
});

/** RTM_NEWROUTE, RTM_GETROUTE. */
export const routeMessage = family(rtmsg, RTA);

/** struct rtnexthop (linux/rtnetlink.h): one path of RTA_MULTIPATH, its attributes behind it. */
export const rtnexthop = struct("rtnexthop", {
  rtnh_len: "u16",
  rtnh_flags: "u8",
  rtnh_hops: "u8",
  rtnh_ifindex: "i32",
});
/** #define RTNH_ALIGNTO 4 */
export const RTNH_ALIGNTO = 4;
/** Asks for the route itself, with all of its paths, and not for the one that a packet would take. */
const RTM_F_FIB_MATCH = 0x2000;

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

/** Reads the unicast routes of all tables, of which there may be a million; for `dump`. */
export function getRoutes(of: "inet" | "inet6"): Request {
  const header = { rtm_family: of === "inet" ? AF_INET : AF_INET6, rtm_type: RTN_UNICAST };
  return routeMessage.request(RTM_GETROUTE, 0, header, {}, "list routes");
}

/**
 * Looks up the route to a tunnel's other end, by the rules as its packets go: the route with all of its paths,
 * or where that names no device (a nexthop object, with net.ipv4.nexthop_compat_mode = 0) the one path `chosen`.
 */
export function getRouteTo({ address, source, mark }: Remote, how: "whole" | "chosen"): Request {
  const [to, from] = [address, source].map((text) => (text === null ? null : parseIp(text)));
  const header = {
    rtm_family: to?.length === 4 ? AF_INET : AF_INET6,
    rtm_dst_len: (to?.length ?? 0) * 8,
    rtm_src_len: (from?.length ?? 0) * 8,
    rtm_flags: how === "whole" ? RTM_F_FIB_MATCH : 0,
  };
  const values = {
    RTA_DST: to ?? undefined,
    RTA_SRC: from ?? undefined,
    RTA_MARK: mark === 0 ? undefined : mark,
  };
  return routeMessage.request(RTM_GETROUTE, 0, header, values, `look up the route to ${address}`);
}

/** The devices that a route leaves by; none where it names a nexthop object alone. */
export function devicesOfRoute(payload: Uint8Array): number[] {
  const { RTA_OIF, RTA_MULTIPATH } = routeMessage.decode(payload).values;
  const found = RTA_OIF === undefined ? [] : [RTA_OIF];
  if (RTA_MULTIPATH === undefined) return found;
  const view = viewOf("rtnexthop", RTA_MULTIPATH, 0);
  for (let at = 0; at + rtnexthop.size <= RTA_MULTIPATH.length; ) {
    const { rtnh_len, rtnh_ifindex } = rtnexthop.decode(view, at);
    found.push(rtnh_ifindex);
    at += Math.max(alignUp(rtnh_len, RTNH_ALIGNTO), rtnexthop.size);
  }
  return found;
}

/** Whether an RTM_NEWROUTE tells of a default route: to everywhere, by a next hop. */
export function isDefaultRoute(payload: Uint8Array): boolean {
  const { header } = routeMessage.decode(payload);
  return header.rtm_dst_len === 0 && header.rtm_type === RTN_UNICAST;
}
