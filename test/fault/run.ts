import { parseArgs } from "node:util";

// bun run test:fault [--all] [--count N] [--seed N]: which of the cases are played; see slice.ts.

const { values } = parseArgs({
  options: { all: { type: "boolean" }, count: { type: "string" }, seed: { type: "string" } },
});
const chosen = values.all === true ? "all" : values.count;
const env = {
  ...process.env,
  ...(chosen === undefined ? {} : { FAULTS: chosen }),
  ...(values.seed === undefined ? {} : { FAULT_SEED: values.seed }),
};
const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "test/fault"], {
  env,
  stdio: ["inherit", "inherit", "inherit"],
});
process.exitCode = await child.exited;
