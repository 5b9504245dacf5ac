import { alignUp, struct } from "../../ffi/layout.ts";
import { formatIp, parseIp } from "../domain/ip.ts";
import type { Nexthop, Route } from "../domain/route.ts";
import { ip } from "./address.ts";
import { asciiz, attributes, type Codec, decodeAttributes, encodeAttributes, raw, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { DecodeError, viewOf } from "./decode-error.ts";
import { RTNH_ALIGNTO, routeMessage, rtnexthop } from "./route.ts";
import { AF_INET, AF_INET6, NLM_F_APPEND, NLM_F_CREATE, RTM_DELROUTE, RTM_NEWROUTE } from "./uapi.ts";

/** RTNH_F_ONLINK (linux/rtnetlink.h): in rtm_flags, or in rtnh_flags of each of several nexthops. */
const RTNH_F_ONLINK = 4;
/** RTAX_CC_ALGO: the one of RTA_METRICS that is a text. */
const RTAX_CC_ALGO = 16;
/** USER_HZ: what the kernel counts rta_expires in. */
const USER_HZ = 100;

/** struct rta_cacheinfo (linux/rtnetlink.h), as far as it is of interest. */
const rta_cacheinfo = struct("rta_cacheinfo", { rta_clntref: "u32", rta_lastuse: "u32", rta_expires: "i32" });

/** What stands behind each struct rtnexthop. */
const RTNH = attributes({
  RTA_GATEWAY: [5, ip],
  RTA_FLOW: [11, u32],
  RTA_VIA: [18, raw],
  RTA_ENCAP: [22, raw],
});

/** Puts a route to those that are there, behind those of the same key. EEXIST: the very same one is there. */
export function addRoute(ifindex: number, route: Route, about: string): Request {
  return routeRequest(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, ifindex, route, about);
}

/** Takes a route away; of an IPv6 route with several nexthops those that are this device's. */
export function deleteRoute(ifindex: number, route: Route, about: string): Request {
  return routeRequest(RTM_DELROUTE, 0, ifindex, route, about);
}

function routeRequest(type: number, flags: number, ifindex: number, route: Route, about: string): Request {
  const isInet = route.family === "inet";
  // The kernel keeps each nexthop of an IPv6 route as a route of its own; those of other devices are there still.
  const nexthops = isInet ? route.nexthops : route.nexthops.filter(({ device }) => device === null);
  const [first] = nexthops;
  const isOne = nexthops.length === 1 && first?.device === null && first.weight === 1;
  const header = {
    rtm_family: isInet ? AF_INET : AF_INET6,
    rtm_dst_len: route.prefixLength,
    rtm_src_len: route.fromLength,
    rtm_tos: route.tos,
    rtm_table: route.table < 256 ? route.table : 0,
    rtm_protocol: route.protocol,
    rtm_scope: route.scope,
    rtm_type: route.type,
    rtm_flags: isOne && first.onlink ? RTNH_F_ONLINK : 0,
  };
  const values = {
    RTA_DST: route.prefixLength === 0 ? undefined : bytesOf(route.to),
    RTA_SRC: route.from === null ? undefined : bytesOf(route.from),
    RTA_TABLE: route.table < 256 ? undefined : route.table,
    ...(isOne ? gatewayOf(route, first) : {}),
    RTA_PREFSRC: route.source ?? undefined,
    RTA_PRIORITY: route.metric ?? undefined,
    RTA_PREF: route.preference || undefined,
    RTA_EXPIRES: route.lifetime ?? undefined,
    RTA_METRICS: Object.keys(route.metrics).length === 0 ? undefined : metrics.encode(route.metrics),
    RTA_FLOW: route.realm ?? undefined,
    RTA_OIF: isOne ? ifindex : undefined,
    RTA_MULTIPATH: isOne ? undefined : encodeNexthops(ifindex, route, nexthops),
  };
  return routeMessage.request(type, flags, header, values, about);
}

/** The route that an RTM_NEWROUTE tells of, as one of the device `ifindex`. */
export function decodeRoute(payload: Uint8Array, ifindex: number): Route {
  const { header, values } = routeMessage.decode(payload);
  if (header.rtm_family !== AF_INET && header.rtm_family !== AF_INET6) {
    throw new DecodeError(`rtmsg of family ${header.rtm_family}`, 0, 12, 0);
  }
  const family = header.rtm_family === AF_INET ? "inet" : "inet6";
  const { RTA_MULTIPATH, RTA_CACHEINFO, RTA_METRICS, RTA_DST, RTA_SRC, RTA_ENCAP } = values;
  const several = RTA_MULTIPATH === undefined ? null : decodeNexthops(RTA_MULTIPATH, ifindex);
  const onlink = (header.rtm_flags & RTNH_F_ONLINK) !== 0;
  const single: Nexthop = {
    device: values.RTA_OIF === ifindex ? null : (values.RTA_OIF ?? null),
    gateway: gatewayIn(values),
    onlink,
    weight: 1,
  };
  return {
    family,
    to: RTA_DST === undefined ? ANY[family] : addressOf(RTA_DST),
    prefixLength: header.rtm_dst_len,
    from: RTA_SRC === undefined ? null : addressOf(RTA_SRC),
    fromLength: header.rtm_src_len,
    table: values.RTA_TABLE ?? header.rtm_table,
    type: header.rtm_type,
    scope: header.rtm_scope,
    protocol: header.rtm_protocol,
    tos: header.rtm_tos,
    metric: values.RTA_PRIORITY || null,
    source: values.RTA_PREFSRC ?? null,
    realm: values.RTA_FLOW || null,
    // With net.ipv4.nexthop_compat_mode = 0 a nexthop object is all that is told.
    nexthops: several?.nexthops ?? (values.RTA_OIF === undefined ? [] : [single]),
    metrics: RTA_METRICS === undefined ? {} : metrics.decode(RTA_METRICS),
    preference: values.RTA_PREF ?? null,
    lifetime: RTA_CACHEINFO === undefined ? null : lifetimeOf(RTA_CACHEINFO),
    nexthopId: values.RTA_NH_ID ?? null,
    encapsulated: RTA_ENCAP !== undefined || several?.encapsulated === true,
  };
}

const ANY = { inet: "0.0.0.0", inet6: "::" } as const;

function addressOf(bytes: Uint8Array): string {
  if (bytes.length !== 4 && bytes.length !== 16) throw new DecodeError("RTA_DST", 0, 16, bytes.length);
  return formatIp(bytes);
}

function bytesOf(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (bytes === null) throw new TypeError(`${JSON.stringify(text)} is no IP address`);
  return bytes;
}

/** Seconds that are left, or null. */
function lifetimeOf(payload: Uint8Array): number | null {
  const { rta_expires } = rta_cacheinfo.decode(viewOf("rta_cacheinfo", payload, rta_cacheinfo.size), 0);
  return rta_expires > 0 ? Math.ceil(rta_expires / USER_HZ) : null;
}

/** RTA_METRICS: RTAX_* by number. */
const metrics: Codec<Route["metrics"]> = {
  decode: (payload) =>
    Object.fromEntries(
      decodeAttributes(payload).map(({ type, payload }) => [
        type & 0x3fff,
        (type & 0x3fff) === RTAX_CC_ALGO ? asciiz.decode(payload) : u32.decode(payload),
      ]),
    ),
  encode: (values) =>
    encodeAttributes(
      Object.entries(values).map(([type, value]) => ({
        type: Number(type),
        payload: typeof value === "string" ? asciiz.encode(value) : u32.encode(value),
      })),
    ),
};

interface GatewayValues {
  readonly RTA_GATEWAY?: string | undefined;
  readonly RTA_VIA?: Uint8Array | undefined;
}

/** struct rtvia { __kernel_sa_family_t rtvia_family; __u8 rtvia_addr[]; }: of the other family than the route. */
function gatewayIn({ RTA_GATEWAY, RTA_VIA }: GatewayValues): string | null {
  if (RTA_GATEWAY !== undefined) return RTA_GATEWAY;
  if (RTA_VIA === undefined) return null;
  const bytes = RTA_VIA.subarray(2);
  if (bytes.length !== 4 && bytes.length !== 16) throw new DecodeError("rtvia", 2, 16, bytes.length);
  return formatIp(bytes);
}

function gatewayOf(route: Route, { gateway }: Nexthop): GatewayValues {
  if (gateway === null) return {};
  const isInet6 = gateway.includes(":");
  if (isInet6 === (route.family === "inet6")) return { RTA_GATEWAY: gateway };
  const address = bytesOf(gateway);
  const via = new Uint8Array(2 + address.length);
  via[0] = isInet6 ? AF_INET6 : AF_INET;
  via.set(address, 2);
  return { RTA_VIA: via };
}

function decodeNexthops(bytes: Uint8Array, ifindex: number) {
  const view = viewOf("rtnexthop", bytes, 0);
  const nexthops: Nexthop[] = [];
  let encapsulated = false;
  for (let at = 0; at < bytes.length; ) {
    viewOf("rtnexthop", bytes.subarray(at), rtnexthop.size);
    const { rtnh_len, rtnh_flags, rtnh_hops, rtnh_ifindex } = rtnexthop.decode(view, at);
    if (rtnh_len < rtnexthop.size || at + rtnh_len > bytes.length) {
      throw new DecodeError("rtnexthop", at, rtnh_len, bytes.length - at);
    }
    const { values } = RTNH.decode(bytes.subarray(at + rtnexthop.size, at + rtnh_len));
    nexthops.push({
      device: rtnh_ifindex === ifindex ? null : rtnh_ifindex,
      gateway: gatewayIn(values),
      onlink: (rtnh_flags & RTNH_F_ONLINK) !== 0,
      weight: rtnh_hops + 1,
    });
    if (values.RTA_ENCAP !== undefined || values.RTA_FLOW !== undefined) encapsulated = true;
    at += alignUp(rtnh_len, RTNH_ALIGNTO);
  }
  return { nexthops, encapsulated };
}

function encodeNexthops(ifindex: number, route: Route, nexthops: readonly Nexthop[]): Uint8Array {
  const parts = nexthops.map((nexthop) => {
    const values = RTNH.encode(gatewayOf(route, nexthop));
    const part = new Uint8Array(new ArrayBuffer(rtnexthop.size + values.length));
    const header = {
      rtnh_len: part.length,
      rtnh_flags: nexthop.onlink ? RTNH_F_ONLINK : 0,
      rtnh_hops: nexthop.weight - 1,
      rtnh_ifindex: nexthop.device ?? ifindex,
    };
    rtnexthop.encode(header, new DataView(part.buffer), 0);
    part.set(values, rtnexthop.size);
    return part;
  });
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
