import type { SysctlFiles } from "./sysctls.ts";

/** No netlink message tells of them; `self` would be of the process's first thread. */
export const DEV_MCAST = "/proc/thread-self/net/dev_mcast";

/** The static multicast addresses of a namespace by ifindex, which are asked for once. */
export type MulticastCache = () => ReadonlyMap<number, readonly string[]>;

/** A cache that is empty at first; of use for as long as one event is looked at. */
export function multicastCache(files: SysctlFiles): MulticastCache {
  let known: ReadonlyMap<number, readonly string[]> | null = null;
  return () => {
    known ??= decodeMulticasts(files.read(DEV_MCAST) ?? "");
    return known;
  };
}

/** A line of dev_mc_seq_show() of what has static users: ifindex, name, users, static users, address. */
const LINE = /^(\d+)\s+\S+\s+\d+\s+[1-9]\d*\s+((?:[0-9a-f]{2})+)$/gm;

/** Those that somebody made to stay, by ifindex; what is no such line tells of none. */
export function decodeMulticasts(text: string): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const [, ifindex, digits = ""] of text.matchAll(LINE)) {
    const address = digits.replaceAll(/..(?=.)/g, "$&:");
    found.set(Number(ifindex), [...(found.get(Number(ifindex)) ?? []), address]);
  }
  return found;
}
