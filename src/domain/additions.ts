import { type Address, addressKey } from "./address.ts";
import { waysToGateways } from "./gateways.ts";
import { aged } from "./restorable.ts";
import { routesAfter, routesMissing, withoutKernelRoutes } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * `wanted` with the addresses and routes that `found` has beside it: somebody has given them to the device since it is
 * at home, and nobody else's they are to take away.
 */
export function withAdditions(wanted: Snapshot, found: Snapshot): Snapshot {
  const seconds = (found.takenAt - wanted.takenAt) / 1000;
  const addresses = wanted.addresses.flatMap((address) => aged(address, seconds) ?? []);
  const routes = routesAfter(wanted.routes, seconds);
  // The kernel sees to its own; the ways are of a homecoming that broke off.
  const there = withoutKernelRoutes(found).routes;
  const ways = waysToGateways(wanted.routes, wanted);
  return {
    ...wanted,
    addresses: [
      ...together(addresses, found.addresses, "inet"),
      ...together(addresses, found.addresses, "inet6"),
    ],
    routes: [...routes, ...routesMissing([...routes, ...ways], there)],
    takenAt: found.takenAt,
  };
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
