import type { Context } from "./context.ts";
import { bringHome } from "./homecoming.ts";
import { unpinLeft } from "./let-go.ts";
import { examineAgain } from "./recovery.ts";

/** Tries again what could not be done. */
export interface Retries {
  /**
   * Tries at once; where that was done a moment ago, it is done again when the moment is over, and that is not waited
   * for. A name at home that is free now may be what a device waits for.
   */
  retry(): Promise<void>;
}

/** The moment, milliseconds: trying may change devices itself, and a change is what it is tried again for. */
const PAUSE = 500;

/** An engine's retries, of which there have been none yet. */
export function createRetries(context: Context): Retries {
  let triedAt = Number.NEGATIVE_INFINITY;
  let isDue = false;

  async function retryNow(): Promise<void> {
    const { registry, unexamined, leftPinned, underWay, uptime } = context;
    if (unexamined.size + leftPinned.size > 0) triedAt = uptime();
    if (leftPinned.size > 0) await unpinLeft(context);
    await examineAgain(context);
    const stuck = registry.all().filter(({ state, key }) => state === "stuck" && !underWay.has(key));
    if (stuck.length === 0) return;
    triedAt = uptime();
    await Promise.all(stuck.map(({ key }) => bringHome(context, key)));
    triedAt = uptime();
  }

  function retryAfter(milliseconds: number): void {
    if (isDue) return;
    isDue = true;
    context.alarm(milliseconds, () => {
      isDue = false;
      retryNow().catch((error) => {
        context.log("error", `what is stuck was not tried again: ${error}`, { code: "internal" });
      });
    });
  }

  return {
    async retry() {
      context.registry.catchUp();
      const since = context.uptime() - triedAt;
      if (since < PAUSE) return retryAfter(PAUSE - since);
      await retryNow();
    },
  };
}
