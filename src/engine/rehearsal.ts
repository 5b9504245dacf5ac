import { identityOf } from "../domain/device.ts";
import { requestFor } from "../domain/mapping.ts";
import { EVERYTHING, NOTHING } from "./aspects.ts";
import type { KernelCalls } from "./kernel.ts";

/** After some dozens of rounds Bun has compiled what it is going to. */
const ROUNDS = 100;
/** All that there is of a device is read the same way for each of dozens of settings: a few rounds of it will do. */
const EACH_WHOLE = 5;

/**
 * Goes through what an event needs, on `lo` and on our own process, and touches nothing: what is slow the
 * first few dozen times is compiled before a container waits for it.
 *
 * @param pid our own: it is refused as a target once it has been looked at in full
 * @param now CLOCK_BOOTTIME, milliseconds
 */
export function rehearse(kernel: KernelCalls, pid: number, now: number): void {
  const lo = kernel.devices().find(({ name }) => name === "lo");
  if (lo === undefined) return;
  const wanted = {
    identity: identityOf(lo, null),
    insideIfindex: null,
    others: { numbers: [], macs: [], coming: [] },
    homeIfindex: lo.ifindex,
    names: [lo.name],
    aspects: { home: NOTHING, inside: NOTHING },
  };
  const whole = { ...wanted, aspects: { home: EVERYTHING, inside: EVERYTHING } };
  for (let round = 0; round < ROUNDS; round++) {
    kernel.open({ by: "pid", pid }, now);
    kernel.survey(null, { requests: [requestFor("lo")], reserved: [], away: [], noteHardware: false });
    const found = kernel.locate(null, round % EACH_WHOLE === 0 ? whole : wanted);
    if (found !== null) kernel.apply(null, found, wanted, [], false);
  }
}
