import type { Neighbour } from "../../../src/domain/neighbour.ts";
import type { Route } from "../../../src/domain/route.ts";
import { routeOf } from "../../unit/domain/samples.ts";
import { integer, pick, type Random } from "../model/random.ts";

/** What somebody may give to any device, at home and inside. */

/** On the link, or by a gateway that may be on it; in the main table or in another. */
export function anyRoute(random: Random): Route {
  const host = 1 + integer(random, 5);
  const table = pick(random, [254, 254, 77]);
  return pick(random, [
    routeOf(`10.252.${host}.0/24`, { scope: 253, table }),
    routeOf(`10.253.${host}.0/24`, { via: `198.51.100.${host}`, table }),
    routeOf(`10.254.${host}.0/24`, { via: "192.0.2.77", onlink: true, metric: 7, table }),
    routeOf(`2001:db8:e${host}::/48`, { via: "fe80::7", table }),
  ]);
}

/** A neighbour that stays. */
export function neighbour(host: number): Neighbour {
  const lladdr = `02:00:00:00:03:0${host}`;
  const none = { vlan: null, port: null, vni: null, via: null };
  return { ...none, family: "inet", address: `198.51.100.${50 + host}`, lladdr, state: 0x80, flags: 0 };
}
