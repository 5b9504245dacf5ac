import { IFA_F_OPTIMISTIC, IFA_F_TENTATIVE } from "../../../src/domain/address.ts";
import { parseIp } from "../../../src/domain/ip.ts";
import {
  type Route,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTPROT_KERNEL,
} from "../../../src/domain/route.ts";
import { encodeAttributes, i32 } from "../../../src/netlink/attribute.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { routeMessage } from "../../../src/netlink/route.ts";
import { addRoute as addRouteRequest, decodeRoute } from "../../../src/netlink/route-entry.ts";
import { AF_INET, AF_INET6, RTM_NEWROUTE } from "../../../src/netlink/uapi.ts";
import type { Link } from "./links.ts";
import { refuse } from "./refusal.ts";
import { addRoute, deleteRoute } from "./routes.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** linux/rtnetlink.h. */
const RTN_LOCAL = 2;
/** struct rta_cacheinfo, of which rta_expires is the third. */
const RTA_CACHEINFO = 12;

/** RTM_NEWROUTE, RTM_DELROUTE: of one nexthop. */
export function changeRoute(caller: Caller, request: Message): void {
  const { RTA_OIF = 0, RTA_EXPIRES = null } = routeMessage.decode(request.payload).values;
  const link = caller.namespace.links.get(RTA_OIF) ?? refuse("ENODEV");
  const route = { ...decodeRoute(request.payload, RTA_OIF), lifetime: RTA_EXPIRES };
  if (request.type === RTM_NEWROUTE) addRoute(caller.namespace, link, route);
  else deleteRoute(link, route);
}

/** RTM_GETROUTE with NLM_F_DUMP: the routes that leave by one link. */
export function dumpRoutes(caller: Caller, request: Message): Answer[] {
  const { header, values } = routeMessage.decode(request.payload);
  const { RTA_OIF } = values;
  // ip_valid_fib_dump_req().
  if (RTA_OIF !== undefined && !caller.namespace.links.has(RTA_OIF)) refuse("ENODEV");
  const links = Array.from(caller.namespace.links.values());
  const family = header.rtm_family === AF_INET ? "inet" : "inet6";
  return links
    .filter(({ ifindex }) => RTA_OIF === undefined || RTA_OIF === ifindex)
    .flatMap((link) => [
      ...link.defaultRoutes.filter((one) => one === family).map((one) => defaultRoute(one, link.ifindex)),
      ...link.routes.filter((route) => route.family === family).map((route) => routePayload(link, route)),
      ...(family === "inet6" ? localRoutes(link) : []),
    ])
    .map((payload) => ({ type: RTM_NEWROUTE, payload }));
}

function defaultRoute(family: Route["family"], ifindex: number): Uint8Array {
  const rtm_family = family === "inet" ? AF_INET : AF_INET6;
  const header = { rtm_family, rtm_type: RTN_UNICAST, rtm_table: RT_TABLE_MAIN };
  return routeMessage.encode(header, { RTA_OIF: ifindex });
}

/** __ipv6_ifa_notify(): an address is this machine's own as soon as it is proven. */
function localRoutes(link: Link): Uint8Array[] {
  if (!link.up) return [];
  const isUsable = ({ flags }: { readonly flags: number }) =>
    (flags & IFA_F_TENTATIVE) === 0 || (flags & IFA_F_OPTIMISTIC) !== 0;
  return link.addresses.inet6.filter(isUsable).map(({ local }) => {
    const header = {
      rtm_family: AF_INET6,
      rtm_dst_len: 128,
      rtm_table: RT_TABLE_LOCAL,
      rtm_type: RTN_LOCAL,
      rtm_protocol: RTPROT_KERNEL,
    };
    return routeMessage.encode(header, { RTA_DST: parseIp(local) ?? undefined, RTA_OIF: link.ifindex });
  });
}

/** fib_dump_info(), rt6_fill_node(): what was asked for, and how long it lasts in hundredths of seconds. */
function routePayload(link: Link, route: Route): Uint8Array {
  const { payload } = addRouteRequest(link.ifindex, { ...route, lifetime: null }, "");
  if (route.family === "inet") return payload;
  const cacheinfo = new Uint8Array(32);
  cacheinfo.set(i32.encode((route.lifetime ?? 0) * 100), 8);
  return Buffer.concat([payload, encodeAttributes([{ type: RTA_CACHEINFO, payload: cacheinfo }])]);
}
