import { SyscallError } from "../../ffi/errno.ts";
import { type Sysctls, sysctlPath, sysctlsToSet } from "../domain/sysctls.ts";
import type { System } from "./system.ts";

/** The files below /proc/sys/net, and of /proc/net, of one namespace. */
export interface SysctlFiles {
  /** null where it is not there or cannot be read. */
  read(path: string): string | null;
  /** Throws a SyscallError. */
  write(path: string, text: string): void;
}

/**
 * Those of the namespace of an fd.
 *
 * @param enters told before each file, which is opened in a window of its own
 */
export function sysctlFilesOf(
  system: System,
  namespace: number,
  enters: () => void = () => undefined,
): SysctlFiles {
  return {
    read(path) {
      enters();
      return system.readSysctl(namespace, path);
    },
    write(path, text) {
      enters();
      system.writeSysctl(namespace, path, text);
    },
  };
}

const NEIGH = [
  "anycast_delay",
  "app_solicit",
  "base_reachable_time_ms",
  "delay_first_probe_time",
  "gc_stale_time",
  "interval_probe_time_ms",
  "locktime",
  "mcast_resolicit",
  "mcast_solicit",
  "proxy_delay",
  "proxy_qlen",
  "retrans_time_ms",
  "ucast_solicit",
  "unres_qlen_bytes",
];

/**
 * What no RTM_NEWLINK tells. RTM_GETNEIGHTBL has the first of them, but of all devices at once: it would cost
 * more with each device that the host has.
 */
const IN_FILES_ALONE = [
  ...NEIGH.map((name) => `ipv4.neigh.${name}`),
  ...NEIGH.map((name) => `ipv6.neigh.${name}`),
  "ipv6.ra_honor_pio_life",
  "ipv6.ra_honor_pio_pflag",
  "ipv6.regen_min_advance",
];

/**
 * All settings of a device: those that it was told to have, and those that are in files alone.
 *
 * @param settings reads these files and no others; null: all
 */
export function withFiles(
  files: SysctlFiles,
  device: string,
  told: Sysctls,
  settings: readonly string[] | null = null,
): Sysctls {
  const found: Record<string, number> = { ...told };
  for (const setting of settings ?? IN_FILES_ALONE) {
    if (setting in found) continue;
    const path = sysctlPath(setting, device);
    const text = path === null ? null : files.read(path);
    // A file that is empty or holds a text is none of these.
    if (text !== null && /^-?\d+\s*$/.test(text)) found[setting] = Number(text);
  }
  return found;
}

/** Writes those of `wanted` that are not so in `now`; goes on after a failure and gives the first. */
export function writeSysctls(
  files: SysctlFiles,
  device: string,
  now: Sysctls,
  wanted: Sysctls,
): SyscallError | null {
  let first: SyscallError | null = null;
  for (const [setting, value] of Object.entries(sysctlsToSet(now, wanted))) {
    const path = sysctlPath(setting, device);
    if (path === null) continue;
    try {
      files.write(path, String(value));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      first ??= error;
    }
  }
  return first;
}
