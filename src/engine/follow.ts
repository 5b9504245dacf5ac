import { type Device, isHardware, mayBe } from "../domain/device.ts";
import type { Trail } from "./by-number.ts";
import type { Followed, SeenFrom } from "./kernel.ts";
import type { Wanted } from "./locate.ts";
import { MOST_LOOKS, sightsFrom } from "./sights.ts";

/**
 * Looks for a device that is in a container's namespace no more, and did not come home: whoever was inside may
 * have moved it on. A namespace has a number for each that a device of its ever went to; a device is looked for
 * in those alone, and known by its MAC at least.
 *
 * Who is found is held, to be let go by the caller. Read by number a namespace can be without being reached:
 * then that is told.
 *
 * @param cookie of the namespace that it was in
 * @param most how often it is looked at most
 * @returns null: it is nowhere that anything leads to
 */
export function follow(trail: Trail, cookie: string, wanted: Wanted, most = MOST_LOOKS): Followed | null {
  let seen: SeenFrom | null = null;
  const budget = { looks: most };
  for (const { nsid, devices, hold } of sightsFrom(trail, cookie, budget)) {
    const device = devices.find((one) => isIt(one, wanted));
    if (device === undefined) continue;
    const reached = hold();
    if (reached !== null) return { ok: true, cookie: reached, ifindex: device.ifindex };
    seen ??= { nsid, name: device.name };
  }
  return seen === null && budget.looks > 0 ? null : { ok: false, seen };
}

/** Nobody else's: hardware by what nobody can change, all else by the MAC that it had when it was last seen. */
function isIt(device: Device, { identity, names }: Wanted): boolean {
  if (isHardware(identity)) return mayBe(identity, device, false);
  return mayBe(identity, device, true) && (device.mac !== null || names.includes(device.name));
}
