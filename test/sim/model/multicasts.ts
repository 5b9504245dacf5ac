import type { Namespace } from "./namespaces.ts";

/** Those that the kernel joins by itself on whatever is up, which are nobody's (igmp.c, mcast.c). */
const JOINED = ["01:00:5e:00:00:01", "33:33:00:00:00:01"];

/** /proc/net/dev_mcast, as dev_mc_seq_show() writes it. */
export function dumpMulticasts({ links }: Namespace): string {
  return Array.from(links.values())
    .flatMap(({ ifindex, name, up, multicasts }) => {
      const line = (address: string, fixed: number) =>
        `${String(ifindex).padEnd(4)} ${name.padEnd(15)} ${"1".padEnd(5)} ${String(fixed).padEnd(5)} ${address.replaceAll(":", "")}\n`;
      return [
        ...(up ? JOINED.map((address) => line(address, 0)) : []),
        ...multicasts.map((address) => line(address, 1)),
      ];
    })
    .join("");
}
