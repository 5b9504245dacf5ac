/** Where the packets of one route go. A route with several of them has a weight for each. */
export interface Nexthop {
  /** null: the device that the route belongs to; else the ifindex of another one in the same namespace. */
  readonly device: number | null;
  /** RTA_GATEWAY, or RTA_VIA where it is of the other family; null: whoever is on the link. */
  readonly gateway: string | null;
  /** RTNH_F_ONLINK: the gateway is taken to be on the link without looking. */
  readonly onlink: boolean;
  /** 1 to 256. */
  readonly weight: number;
}

/** One IPv4 or IPv6 route that leaves by a device, with all that RTM_NEWROUTE can say of it. Addresses are canonical text. */
export interface Route {
  readonly family: "inet" | "inet6";
  /** RTA_DST; the unspecified address where it leads everywhere. */
  readonly to: string;
  readonly prefixLength: number;
  /** RTA_SRC, for routes that hold for some senders alone (IPv6). */
  readonly from: string | null;
  readonly fromLength: number;
  /** RTA_TABLE: 254 main, 255 local, … */
  readonly table: number;
  /** rtm_type: RTN_UNICAST (1), … */
  readonly type: number;
  /** rtm_scope: 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** rtm_protocol: who made it: 2 kernel, 3 boot, 4 static, 9 router advertisement, 186 bgp, … */
  readonly protocol: number;
  readonly tos: number;
  /** RTA_PRIORITY. */
  readonly metric: number | null;
  /** RTA_PREFSRC. */
  readonly source: string | null;
  /** RTA_FLOW. */
  readonly realm: number | null;
  /** None where a nexthop object is all that is told. */
  readonly nexthops: readonly Nexthop[];
  /** RTA_METRICS by RTAX_* number: a number, or the name of a congestion control algorithm. */
  readonly metrics: Readonly<Record<string, number | string>>;
  /** RTA_PREF (RFC 4191): 0 medium, 1 high, 3 low. */
  readonly preference: number | null;
  /** Seconds until it expires; null: never. */
  readonly lifetime: number | null;
  /** RTA_NH_ID: the nexthop object that it uses. */
  readonly nexthopId: number | null;
  /** RTA_ENCAP: what is done to the packets is known to nobody here. */
  readonly encapsulated: boolean;
}

/** linux/rtnetlink.h. */
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RTN_UNICAST = 1;
export const RTPROT_KERNEL = 2;
export const RTPROT_STATIC = 4;
export const RTPROT_RA = 9;

/** A route for a person: `default via 192.0.2.254 metric 100 table 7`, as `ip route` writes it. */
export function routeText(route: Route): string {
  const { family, to, prefixLength, metric, table, source, nexthops, from, fromLength } = route;
  const width = family === "inet" ? 32 : 128;
  const prefix = prefixLength === 0 ? "default" : prefixLength === width ? to : `${to}/${prefixLength}`;
  const [first] = nexthops;
  const via =
    nexthops.length > 1
      ? ` by ${nexthops.length} nexthops`
      : first === undefined || first.gateway === null
        ? ""
        : ` via ${first.gateway}${first.onlink ? " onlink" : ""}`;
  return [
    `${family === "inet6" && prefixLength === 0 ? "IPv6 " : ""}${prefix}`,
    from === null ? "" : ` from ${from}/${fromLength}`,
    via,
    source === null ? "" : ` src ${source}`,
    metric === null ? "" : ` metric ${metric}`,
    table === RT_TABLE_MAIN ? "" : ` table ${table}`,
  ].join("");
}
