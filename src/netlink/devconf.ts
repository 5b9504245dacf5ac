import type { Sysctls } from "../domain/sysctls.ts";
import { ip } from "./address.ts";
import { attributes, nested, raw } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { ifinfomsg } from "./link.ts";
import { RTM_NEWLINK } from "./uapi.ts";

/**
 * A device's net.ipv4.conf and net.ipv6.conf come with every RTM_NEWLINK of AF_UNSPEC: arrays of ints, in the
 * order of IPV4_DEVCONF_* (linux/ip.h, from 1 on) and DEVCONF_* (linux/ipv6.h). That spares a hundred files.
 */
const IFLA_INET = attributes({ IFLA_INET_CONF: [1, raw] });
const IFLA_INET6 = attributes({ IFLA_INET6_CONF: [2, raw], IFLA_INET6_TOKEN: [7, ip] });
/** The attributes inside IFLA_AF_SPEC are numbered by address family: AF_INET, AF_INET6. */
const AF_SPEC = attributes({ AF_INET: [2, nested(IFLA_INET)], AF_INET6: [10, nested(IFLA_INET6)] });
const linkConf = family(ifinfomsg, attributes({ IFLA_AF_SPEC: [26, nested(AF_SPEC)] }));

/** How a value of the array is written in its file. */
type Unit = "int" | "unsigned" | "seconds";

/** Settings by place in the array; null: not to be set (read-only, or not told for what it is). */
type Settings = readonly ({ readonly setting: string; readonly unit: Unit } | null)[];

/** The settings of a family, by the names of their files. */
function settingsOf(
  family: "ipv4" | "ipv6",
  files: readonly (string | readonly [name: string, unit: Unit] | null)[],
): Settings {
  return files.map((file) => {
    if (file === null) return null;
    const [name, unit] = typeof file === "string" ? ([file, "int"] as const) : file;
    return { setting: `${family}.${name}`, unit };
  });
}

const INET = settingsOf("ipv4", [
  "forwarding",
  null, // mc_forwarding: a multicast routing daemon's, read-only
  "proxy_arp",
  "accept_redirects",
  "secure_redirects",
  "send_redirects",
  "shared_media",
  "rp_filter",
  "accept_source_route",
  "bootp_relay",
  "log_martians",
  "tag",
  "arp_filter",
  "medium_id",
  "disable_xfrm",
  "disable_policy",
  "force_igmp_version",
  "arp_announce",
  "arp_ignore",
  "promote_secondaries",
  "arp_accept",
  "arp_notify",
  "accept_local",
  "src_valid_mark",
  "proxy_arp_pvlan",
  "route_localnet",
  "igmpv2_unsolicited_report_interval",
  "igmpv3_unsolicited_report_interval",
  "ignore_routes_with_linkdown",
  "drop_unicast_in_l2_multicast",
  "drop_gratuitous_arp",
  "bc_forwarding",
  "arp_evict_nocarrier",
]);

const INET6 = settingsOf("ipv6", [
  "forwarding",
  "hop_limit",
  "mtu",
  "accept_ra",
  "accept_redirects",
  "autoconf",
  "dad_transmits",
  "router_solicitations",
  ["router_solicitation_interval", "seconds"],
  ["router_solicitation_delay", "seconds"],
  "use_tempaddr",
  "temp_valid_lft",
  "temp_prefered_lft",
  "regen_max_retry",
  "max_desync_factor",
  "max_addresses",
  "force_mld_version",
  "accept_ra_defrtr",
  "accept_ra_pinfo",
  "accept_ra_rtr_pref",
  ["router_probe_interval", "seconds"],
  "accept_ra_rt_info_max_plen",
  "proxy_ndp",
  "optimistic_dad",
  "accept_source_route",
  null, // mc_forwarding
  "disable_ipv6",
  "accept_dad",
  "force_tllao",
  "ndisc_notify",
  "mldv1_unsolicited_report_interval",
  "mldv2_unsolicited_report_interval",
  "suppress_frag_ndisc",
  "accept_ra_from_local",
  "use_optimistic",
  "accept_ra_mtu",
  null, // stable_secret: a secret, and always told as 0
  "use_oif_addrs_only",
  "accept_ra_min_hop_limit",
  "ignore_routes_with_linkdown",
  "drop_unicast_in_l2_multicast",
  "drop_unsolicited_na",
  "keep_addr_on_down",
  ["router_solicitation_max_interval", "seconds"],
  "seg6_enabled",
  "seg6_require_hmac",
  "enhanced_dad",
  "addr_gen_mode",
  "disable_policy",
  "accept_ra_rt_info_min_plen",
  "ndisc_tclass",
  "rpl_seg_enabled",
  "ra_defrtr_metric",
  "ioam6_enabled",
  "ioam6_id",
  ["ioam6_id_wide", "unsigned"],
  "ndisc_evict_nocarrier",
  "accept_untracked_na",
  "accept_ra_min_lft",
  "force_forwarding",
]);

/** The settings of a device that an RTM_NEWLINK tells of; without those of a family that the device lacks. */
export function decodeSysctls(payload: Uint8Array): Sysctls {
  const spec = linkConf.decode(payload).values.IFLA_AF_SPEC;
  const found: Record<string, number> = {};
  readArray(found, INET, spec?.AF_INET?.IFLA_INET_CONF);
  readArray(found, INET6, spec?.AF_INET6?.IFLA_INET6_CONF);
  return found;
}

/**
 * The interface identifier that a device takes in place of one made of its MAC (ip-token(8)), as `::7`; null: it has
 * none, or it was not asked for with the statistics, which the kernel leaves it out with.
 */
export function decodeToken(payload: Uint8Array): string | null {
  const token = linkConf.decode(payload).values.IFLA_AF_SPEC?.AF_INET6?.IFLA_INET6_TOKEN ?? null;
  return token === "::" ? null : token;
}

/** Gives a device its interface identifier; EINVAL where it does not listen to routers, or has no use for one. */
export function setToken(ifindex: number, token: string, about: string): Request {
  const values = { IFLA_AF_SPEC: { AF_INET6: { IFLA_INET6_TOKEN: token } } };
  return linkConf.request(RTM_NEWLINK, 0, { ifi_index: ifindex }, values, about);
}

/** What is read here as a kernel would tell it: IFLA_AF_SPEC for the tests' kernels. */
export function encodeSysctls(sysctls: Sysctls, token: string | null = null): Uint8Array<ArrayBuffer> {
  return AF_SPEC.encode({
    AF_INET: { IFLA_INET_CONF: arrayOf(sysctls, INET) },
    AF_INET6: { IFLA_INET6_CONF: arrayOf(sysctls, INET6), IFLA_INET6_TOKEN: token ?? undefined },
  });
}

function readArray(found: Record<string, number>, settings: Settings, array: Uint8Array | undefined): void {
  if (array === undefined) return;
  const view = viewOf("devconf", array, 0);
  // An older kernel knows fewer, a newer one more.
  const count = Math.min(settings.length, array.length >> 2);
  for (let at = 0; at < count; at++) {
    const known = settings[at] ?? null;
    if (known !== null) found[known.setting] = inUnit(view, at * 4, known.unit);
  }
}

function inUnit(view: DataView, offset: number, unit: Unit): number {
  if (unit === "unsigned") return view.getUint32(offset, true);
  // Told in milliseconds (ipv6_store_devconf()), and written in seconds (proc_dointvec_jiffies()).
  return unit === "seconds" ? Math.trunc(view.getInt32(offset, true) / 1000) : view.getInt32(offset, true);
}

function arrayOf(sysctls: Sysctls, settings: Settings): Uint8Array | undefined {
  if (!settings.some((known) => known !== null && known.setting in sysctls)) return undefined;
  const view = new DataView(new ArrayBuffer(settings.length * 4));
  for (const [at, known] of settings.entries()) {
    const value = (known === null ? undefined : sysctls[known.setting]) ?? 0;
    view.setInt32(at * 4, known?.unit === "seconds" ? value * 1000 : value, true);
  }
  return new Uint8Array(view.buffer);
}
