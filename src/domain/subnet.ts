import type { Address } from "./address.ts";
import { parseIp } from "./ip.ts";

/**
 * The primary one of an IPv4 address's subnet: the first that is listed. The kernel chooses it as the source, and
 * when it goes the others of its subnet, the secondaries, go with it (__inet_del_ifa()).
 */
export function primaryOf(list: readonly Address[], address: Address): Address | undefined {
  return list.find((other) => isOfSameSubnet(other, address));
}

/** inet_ifa_match(), with the same mask. IPv6 knows nothing of the kind. */
function isOfSameSubnet(a: Address, b: Address): boolean {
  if (a.family !== "inet" || b.family !== "inet" || a.prefixLength !== b.prefixLength) return false;
  return networkOf(a) === networkOf(b);
}

function networkOf({ local, peer, prefixLength }: Address): number {
  let number = 0;
  for (const byte of parseIp(peer ?? local) ?? []) number = number * 256 + byte;
  return Math.floor(number / 2 ** (32 - prefixLength));
}
