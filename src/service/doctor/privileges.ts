import { type Finding, fail, pass } from "./finding.ts";

/** Oldest kernel that has all that netdevd asks of one: SO_NETNS_COOKIE came with 5.14. */
const OLDEST = { major: 5, minor: 14 };

/** linux/capability.h. */
const NEEDED = {
  CAP_NET_ADMIN: { bit: 12n, why: "rtnetlink requests" },
  CAP_SYS_PTRACE: { bit: 19n, why: "opening /proc/PID/ns/net of a container" },
  CAP_SYS_ADMIN: { bit: 21n, why: "setns(2) into a container's namespace" },
} as const;

/** @param release of uname(2): `6.18.44-cloud` */
export function kernelFinding(release: string): Finding {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release)?.map(Number) ?? [];
  const found = `Linux ${release}`;
  if (major === undefined || minor === undefined) {
    return fail("kernel", `${found}, which tells no version`, "run netdevd on Linux 5.14 or later");
  }
  const isOld = major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor);
  return isOld ? fail("kernel", found, "netdevd needs Linux 5.14 or later") : pass("kernel", found);
}

/** @param status what /proc/PID/status holds; its CapEff is what the process may do (capabilities(7)) */
export function capabilityFinding(status: string): Finding {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const missing = Object.entries(NEEDED).filter(([, { bit }]) => (effective & (1n << bit)) === 0n);
  if (missing.length === 0) return pass("capabilities", Object.keys(NEEDED).join(", "));
  const names = missing.map(([name, { why }]) => `${name} (${why})`).join(", ");
  return fail("capabilities", `without ${names}`, "run it as root; in a unit, see CapabilityBoundingSet=");
}
