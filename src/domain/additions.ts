import { type Address, addressKey } from "./address.ts";
import { waysToGateways } from "./gateways.ts";
import { aged, isKernelMade } from "./restorable.ts";
import { routesAfter, routesMissing, withoutKernelRoutes } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * `wanted` with the addresses and routes that `found` has beside it: somebody has given them to the device since it is
 * at home, and they are not ours to take away.
 */
export function withAdditions(wanted: Snapshot, found: Snapshot): Snapshot {
  const seconds = (found.takenAt - wanted.takenAt) / 1000;
  const own = addressesOf(wanted).flatMap((address) => aged(address, seconds) ?? []);
  const there = addressesOf(found);
  const routes = routesAfter(wanted.routes, seconds);
  // The kernel sees to its own; the ways are of a homecoming that broke off.
  const theirs = withoutKernelRoutes(found).routes;
  const ways = waysToGateways(wanted.routes, wanted);
  return {
    ...wanted,
    addresses: [...together(own, there, "inet"), ...together(own, there, "inet6")],
    routes: [...routes, ...routesMissing([...routes, ...ways], theirs)],
    takenAt: found.takenAt,
  };
}

/** Those that the kernel makes itself go with the MAC that it makes them of. */
function addressesOf({ device, addresses }: Snapshot): Address[] {
  return addresses.filter((address) => !isKernelMade(address, device));
}

/** In the order in which they are there, if that is as it was: else others' first of IPv4, and last of IPv6, which is the order of adding. */
function together(own: readonly Address[], there: readonly Address[], family: Address["family"]): Address[] {
  const [ours, theirs] = [own, there].map((list) => list.filter((address) => address.family === family));
  if (ours === undefined || theirs === undefined) return [];
  const keys = ours.map(addressKey);
  const isOurs = (address: Address) => keys.includes(addressKey(address));
  const kept = theirs.filter(isOurs);
  const isInOrder =
    kept.length === ours.length && kept.every((address, at) => addressKey(address) === keys[at]);
  if (isInOrder) {
    const next = ours.values();
    return theirs.map((address) => (isOurs(address) ? (next.next().value ?? address) : address));
  }
  const more = theirs.filter((address) => !isOurs(address));
  return family === "inet" ? [...more, ...ours] : [...ours, ...more];
}
