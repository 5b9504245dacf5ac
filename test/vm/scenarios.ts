import type { Scenario } from "./scenario.ts";
import { HOME } from "./scenarios/home.ts";
import { SELECTORS } from "./scenarios/selectors.ts";

const ALL: readonly Scenario[] = [...HOME, ...SELECTORS];

/** The scenarios in the order in which the guest runs them; VM_ONLY names a part of those to be run. */
export const SCENARIOS: readonly Scenario[] = ALL.filter(({ name }) =>
  name.includes(process.env.VM_ONLY ?? ""),
);
