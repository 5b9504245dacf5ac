import { parseArgs } from "node:util";

// bun run test:sim [--all] [--count N] [--first N] [--seed N]: which of the histories are played; see histories.test.ts.

/** Seeds go on for ever; these are all that are called so. */
const ALL = "1000000";

const { values } = parseArgs({
  options: {
    all: { type: "boolean" },
    count: { type: "string" },
    first: { type: "string" },
    seed: { type: "string" },
  },
});
const count = values.all === true ? ALL : values.count;
const env = {
  ...process.env,
  ...(count === undefined ? {} : { HISTORIES: count }),
  ...(values.first === undefined ? {} : { FIRST: values.first }),
  ...(values.seed === undefined ? {} : { SEED: values.seed }),
};
const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "test/sim"], {
  env,
  stdio: ["inherit", "inherit", "inherit"],
});
process.exitCode = await child.exited;
