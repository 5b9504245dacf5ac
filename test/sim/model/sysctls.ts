import type { Sysctls } from "../../../src/domain/sysctls.ts";
import { encodeSysctls } from "../../../src/netlink/devconf.ts";
import { INET_MIN_MTU } from "./inet.ts";
import { IPV6_MIN_MTU } from "./inet6.ts";
import type { Link } from "./links.ts";
import { linkNamed, type Namespace } from "./namespaces.ts";
import { refuse } from "./refusal.ts";

/** ipv4_devconf_dflt, ipv6_devconf_dflt and the neighbour tables' parms: what a device begins with; else 0. */
const DEFAULTS: Sysctls = {
  "ipv4.accept_redirects": 1,
  "ipv4.accept_source_route": 1,
  "ipv4.arp_evict_nocarrier": 1,
  "ipv4.igmpv2_unsolicited_report_interval": 10000,
  "ipv4.igmpv3_unsolicited_report_interval": 1000,
  "ipv4.secure_redirects": 1,
  "ipv4.send_redirects": 1,
  "ipv4.shared_media": 1,
  "ipv6.accept_dad": 1,
  "ipv6.accept_ra": 1,
  "ipv6.accept_ra_defrtr": 1,
  "ipv6.accept_ra_min_hop_limit": 1,
  "ipv6.accept_ra_mtu": 1,
  "ipv6.accept_ra_pinfo": 1,
  "ipv6.accept_ra_rtr_pref": 1,
  "ipv6.accept_redirects": 1,
  "ipv6.autoconf": 1,
  "ipv6.dad_transmits": 1,
  "ipv6.enhanced_dad": 1,
  "ipv6.hop_limit": 64,
  "ipv6.max_addresses": 16,
  "ipv6.ndisc_evict_nocarrier": 1,
  "ipv6.ra_defrtr_metric": 1024,
  "ipv6.regen_min_advance": 2,
  "ipv6.router_solicitation_delay": 1,
  "ipv6.router_solicitation_interval": 4,
  "ipv6.router_solicitations": -1,
};

/** Settings that the model has no use for but to keep what was written. */
const KEPT = [
  "ipv4.arp_ignore",
  "ipv4.proxy_arp",
  "ipv4.rp_filter",
  "ipv6.proxy_ndp",
  "ipv4.neigh.app_solicit",
  "ipv4.neigh.gc_stale_time",
  "ipv6.neigh.app_solicit",
];

/** The settings of a link, and what RTM_NEWLINK tells of them. */
interface Settings {
  readonly all: Sysctls;
  readonly told: Uint8Array;
}

/** Settings by all that they follow from: a history asks for the same ones thousands of times. */
const known = new Map<string, Settings>();

function settingsOf(link: Link): Settings {
  let key = `${link.mtu} ${link.rules.noArp}`;
  for (const [setting, value] of link.sysctls) key += ` ${setting} ${value}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const all = make(link);
  const settings = { all, told: encodeSysctls(toldOf(all)) };
  known.set(key, settings);
  return settings;
}

/** What is set of a link, or goes without saying; without those of a family that it lacks. */
export function sysctlsOf(link: Link): Sysctls {
  return settingsOf(link).all;
}

/** IFLA_AF_SPEC of a link: neighbour settings and some others are in files alone. */
export function toldSysctls(link: Link, whole: boolean): Uint8Array {
  const { all, told } = settingsOf(link);
  return whole && link.token !== null ? encodeSysctls(toldOf(all), link.token) : told;
}

/** What every link has, with the values that most begin with. */
const BEGUN_WITH: Sysctls = {
  ...Object.fromEntries(KEPT.map((setting) => [setting, 0])),
  ...DEFAULTS,
  "ipv6.mtu": 1500,
};

function make(link: Link): Sysctls {
  const own = { "ipv6.mtu": link.mtu, ...(link.rules.noArp ? { "ipv6.accept_dad": -1 } : {}) };
  const all = { ...BEGUN_WITH, ...own, ...Object.fromEntries(link.sysctls) };
  return Object.fromEntries(
    Object.entries(all).filter(([setting]) => link.mtu >= (isInet6(setting) ? IPV6_MIN_MTU : INET_MIN_MTU)),
  );
}

function toldOf(all: Sysctls): Sysctls {
  return Object.fromEntries(
    Object.entries(all).filter(
      ([setting]) => !setting.includes(".neigh.") && setting !== "ipv6.regen_min_advance",
    ),
  );
}

/** read(2) of a file below /proc/sys/net; null: there is none. */
export function readSysctl(namespace: Namespace, path: string): string | null {
  const found = settingAt(namespace, path);
  return found === null ? null : `${sysctlsOf(found.link)[found.setting]}\n`;
}

/** write(2) to a file below /proc/sys/net. */
export function writeSysctl(namespace: Namespace, path: string, text: string): void {
  const { link, setting } = settingAt(namespace, path) ?? refuse("ENOENT");
  if (!/^-?\d+$/.test(text)) refuse("EINVAL");
  link.sysctls.set(setting, Number(text));
}

/** in6_dev or in_device and its settings go with an MTU that is too small for the family. */
export function forgetSysctls(link: Link): void {
  const there = sysctlsOf(link);
  for (const setting of Array.from(link.sysctls.keys())) {
    if (!(setting in there)) link.sysctls.delete(setting);
  }
}

function settingAt(namespace: Namespace, path: string) {
  const [, family, folder, name = "", file] =
    /^\/proc\/sys\/net\/(ipv[46])\/(conf|neigh)\/([^/]+)\/([a-z0-9_]+)$/.exec(path) ?? [];
  const link = linkNamed(namespace, name);
  if (link?.name !== name) return null;
  const setting = `${family}.${folder === "neigh" ? "neigh." : ""}${file}`;
  // Most that are asked for are in no list, and no reason to look at all of a link's.
  if (!(setting in BEGUN_WITH || link.sysctls.has(setting))) return null;
  return setting in sysctlsOf(link) ? { link, setting } : null;
}

function isInet6(setting: string): boolean {
  return setting.startsWith("ipv6.");
}
