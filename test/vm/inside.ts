import { afterAll, test } from "bun:test";
import { Lab } from "../helpers/lab.ts";
import { unfolded } from "../helpers/live-test.ts";
import { quieten } from "./hardware.ts";
import { RESULT, type Result } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

// Run in the guest by `bun test`: all scenarios, one after another; what came of each goes out by the serial line.

/** Longest that one scenario may take in a guest without KVM on a busy machine, milliseconds. */
const LIMIT = 300_000;

// One for all that go well: a daemon takes longer to start here than most of them take.
let lab: Lab | null = null;

async function outcome(body: (lab: Lab) => Promise<void>): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`not done after ${LIMIT} ms`)), LIMIT);
  try {
    lab ??= await Lab.onThisMachine();
    await Promise.race([body(lab), timeout.promise]);
    await Promise.race([lab.clear(), timeout.promise]);
    return null;
  } catch (thrown) {
    const told = lab?.isRunning() ? `\n${lab.daemon.log().split("\n").slice(-12).join("\n")}` : "";
    if (lab !== null) await quieten(lab).catch(() => undefined);
    await lab?.[Symbol.asyncDispose]().catch(() => undefined);
    lab = null;
    const error = unfolded(thrown);
    return `${error instanceof Error ? (error.stack ?? error.message) : String(error)}${told}`;
  } finally {
    clearTimeout(timer);
  }
}

for (const { name, body } of SCENARIOS) {
  test(
    name,
    async () => {
      const begun = performance.now();
      const failure = await outcome(body);
      const result: Result = { name, failure, milliseconds: Math.round(performance.now() - begun) };
      console.log(`\n${RESULT}${JSON.stringify(result)}`);
    },
    LIMIT + 60_000,
  );
}

afterAll(async () => {
  // Whether the daemon left anything behind is seen then.
  await lab?.[Symbol.asyncDispose]();
});
