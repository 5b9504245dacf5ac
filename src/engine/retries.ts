import type { Context } from "./context.ts";
import { bringHome } from "./homecoming.ts";
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
  let triedAt = 0;
  let isDue = false;

  async function retryNow(): Promise<void> {
    const { registry, unexamined, underWay, now } = context;
    if (unexamined.size > 0) triedAt = now();
    await examineAgain(context);
    const stuck = registry.all().filter(({ state, key }) => state === "stuck" && !underWay.has(key));
    if (stuck.length === 0) return;
    triedAt = now();
    await Promise.all(stuck.map(({ key }) => bringHome(context, key)));
    triedAt = now();
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
      const since = context.now() - triedAt;
      // The clock may have been set back.
      if (since >= 0 && since < PAUSE) return retryAfter(PAUSE - since);
      await retryNow();
    },
  };
}
