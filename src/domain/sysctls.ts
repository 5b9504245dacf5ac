/**
 * The settings of one device below /proc/sys/net that are not the kernel's alone, by the names that the config
 * gives them: `ipv4.arp_ignore` (net.ipv4.conf.DEVICE.arp_ignore) and `ipv6.neigh.app_solicit`
 * (net.ipv6.neigh.DEVICE.app_solicit). Values as the files have them.
 */
export type Sysctls = Readonly<Record<string, number>>;

/** Told by nobody and never written: no settings. */
export const NO_SYSCTLS: Sysctls = {};

/** These are no devices below /proc/sys/net but what holds for all of them, or for those to come. */
const NO_DEVICES: readonly string[] = ["all", "default"];

/**
 * The file of a setting of `device`, or null where there can be none.
 *
 * The kernel gives a device that is called "all" or "default" no files (sysctl_dev_name_is_allowed()); what
 * is there under these names is not its.
 */
export function sysctlPath(setting: string, device: string): string | null {
  const match = /^(ipv[46])\.(neigh\.)?([a-z0-9_]+)$/.exec(setting);
  if (match === null || NO_DEVICES.includes(device)) return null;
  const [, family = "", neigh, file = ""] = match;
  return `/proc/sys/net/${family}/${neigh === undefined ? "conf" : "neigh"}/${device}/${file}`;
}

/** Those of `wanted` that are not so in `now`, or not known there. */
export function sysctlsToSet(now: Sysctls, wanted: Sysctls): Sysctls {
  const found: Record<string, number> = {};
  for (const setting in wanted) {
    const value = wanted[setting];
    if (value !== undefined && value !== now[setting]) found[setting] = value;
  }
  return found;
}

/** Few are told one by one; all that a device has are a hundred. */
const TELL_EACH = 8;

/** Settings for a person: `ipv4.arp_ignore = 1, ipv6.accept_ra = 0`. */
export function sysctlsText(sysctls: Sysctls): string {
  const list = Object.entries(sysctls);
  if (list.length > TELL_EACH) return `${list.length} of them`;
  return list.map(([setting, value]) => `${setting} = ${value}`).join(", ");
}
