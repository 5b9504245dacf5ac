import { test } from "bun:test";
import { unfolded } from "../helpers/live-test.ts";
import { RESULT, type Result } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

// Run in the guest by `bun test`: all scenarios, one after another; what came of each goes out by the serial line.

/** Longest that one scenario may take in a guest without KVM on a busy machine, milliseconds. */
const LIMIT = 180_000;

for (const { name, body } of SCENARIOS) {
  test(
    name,
    async () => {
      const begun = performance.now();
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(() => timeout.reject(new Error(`not done after ${LIMIT} ms`)), LIMIT);
      let failure: string | null = null;
      try {
        await Promise.race([body(), timeout.promise]);
      } catch (thrown) {
        const error = unfolded(thrown);
        failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      clearTimeout(timer);
      const result: Result = { name, failure, milliseconds: Math.round(performance.now() - begun) };
      console.log(`\n${RESULT}${JSON.stringify(result)}`);
    },
    LIMIT + 60_000,
  );
}
