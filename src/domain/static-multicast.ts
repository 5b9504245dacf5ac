import type { Snapshot } from "./snapshot.ts";

/**
 * Link-layer multicast addresses that somebody made to stay (`ip maddr add`) and that are not there any more: the kernel
 * forgets them where a device changes its namespace (dev_mc_flush()).
 */
export function multicastsMissing(now: Snapshot, wanted: Snapshot): string[] {
  const there = now.multicasts ?? [];
  return (wanted.multicasts ?? []).filter((address) => !there.includes(address));
}

/** For a person: `static multicast address 33:33:00:00:77:77`. */
export function multicastText(address: string): string {
  return `static multicast address ${address}`;
}
