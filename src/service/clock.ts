import { bootTime } from "../../ffi/process.ts";
import type { WaitClock } from "../engine/waits.ts";

/** Of setTimeout(): anything longer rings at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Time as it passes. */
export const clock: WaitClock = {
  now: () => Date.now(),
  uptime: bootTime,
  sleep: (milliseconds) => Bun.sleep(milliseconds),
  alarm(milliseconds, ring) {
    const timer = setTimeout(ring, Math.min(milliseconds, LONGEST_MS));
    return () => clearTimeout(timer);
  },
};
