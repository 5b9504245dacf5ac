import { type Address, addressText, isSameKey } from "./address.ts";
import { primaryOf } from "./subnet.ts";

/**
 * Order counts: the first address of a subnet is the primary one, which the kernel takes as the source and with
 * which it deletes the others; and of all addresses the first that is listed is preferred.
 */

/** Primary and secondary IPv4 addresses, and IPv6 ones, each in the order of adding (the kernel lists the newest of those first). */
function groupsOf(addresses: readonly Address[]): readonly (readonly Address[])[] {
  const inet = addresses.filter(({ family }) => family === "inet");
  const primaries = inet.filter((address) => primaryOf(inet, address) === address);
  const secondaries = inet.filter((address) => !primaries.includes(address));
  return [primaries, secondaries, addresses.filter(({ family }) => family === "inet6").reverse()];
}

/**
 * Those of the addresses of a device that can stay where all of `asked` are to be there, in their order: what is
 * missing can only be added behind what is there.
 *
 * @param there in the kernel's order
 */
export function keptInOrder(there: readonly Address[], asked: readonly Address[]): Address[] {
  const wanted = groupsOf(asked);
  const [primaries = [], secondaries = [], inet6 = []] = groupsOf(there).map((group, at) => {
    const order = wanted[at] ?? [];
    const missing = order.findIndex((address) => !group.some((other) => isSameKey(other, address)));
    const ahead = missing < 0 ? order : order.slice(0, missing);
    return group.filter((address) => ahead.some((other) => isSameKey(other, address)));
  });
  // With its primary address a secondary one goes.
  const led = secondaries.filter((address) => primaryOf(primaries, address) !== undefined);
  const kept = [...primaries, ...led, ...inet6];
  return there.filter((address) => kept.includes(address));
}

/** Addresses that lead their subnet where they should not, or the other way round, each told to a person. */
export function misplaced(there: readonly Address[], asked: readonly Address[]): string[] {
  const [primaries = []] = groupsOf(there);
  const [expected = []] = groupsOf(asked.filter((address) => there.some((one) => isSameKey(one, address))));
  const isAmong = (list: readonly Address[], address: Address) =>
    list.some((other) => isSameKey(other, address));
  return expected
    .filter((address) => !isAmong(primaries, address))
    .map((address) => `address ${addressText(address)} is secondary, not primary`);
}
