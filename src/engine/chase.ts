import type { Departure } from "../netlink/departure.ts";
import { numberOf, reach, type Trail } from "./by-number.ts";
import type { Departures } from "./departures.ts";
import { isSystemRefusal, type KernelNews } from "./kernel.ts";

/** What going after devices takes. */
export interface Chased {
  readonly trail: Trail;
  readonly departures: Departures;
}

/**
 * Takes hold of the namespaces that devices have left others for, while something leads there, listens there as well,
 * and tells. Those that have gone home are not told of: we move them ourselves, as a rule.
 *
 * What a container does with devices of its own is followed too: which are ours is known elsewhere, and asking there
 * would take longer than a namespace may last.
 */
export function chase({ trail, departures }: Chased, tell: (news: KernelNews) => void): void {
  for (const { from, departures: departed, lost } of departures.take()) {
    for (const departure of departed) {
      const to = whither(trail, from, departure);
      if (to === "home") continue;
      // Before it is told: it may move on from there at once.
      if (to !== null) departures.listen(to, trail.get(to).fd);
      const { ifindex, newIfindex } = departure;
      tell({ type: "departed", from, ifindex, to: to === null ? null : { cookie: to, ifindex: newIfindex } });
    }
    if (lost) tell({ type: "departures-lost", from });
  }
}

/** The namespace that a device has left another for, which is held from here on; null: nothing leads there. */
function whither(trail: Trail, from: string, { nsid }: Departure): string | "home" | null {
  const { connection } = trail.get(from);
  try {
    return numberOf(connection, trail.homeFd) === nsid ? "home" : reach(trail, connection, nsid);
  } catch (error) {
    if (!isSystemRefusal(error)) throw error;
    return null;
  }
}
