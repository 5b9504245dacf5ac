import { type Scenario, scenario } from "./scenario.ts";
import { BRIDGE } from "./scenarios/bridge.ts";
import { BRIDGE_PORTS } from "./scenarios/bridge-ports.ts";
import { CHILDREN } from "./scenarios/children.ts";
import { CLASH } from "./scenarios/clash.ts";
import { DRILL } from "./scenarios/drill.ts";
import { ELSEWHERE } from "./scenarios/elsewhere.ts";
import { HOME } from "./scenarios/home.ts";
import { KIND } from "./scenarios/kinds.ts";
import { MEMBERSHIP } from "./scenarios/membership.ts";
import { NETWORK_MANAGER } from "./scenarios/network-manager.ts";
import { OTHERS } from "./scenarios/others.ts";
import { REFUSING } from "./scenarios/refusing.ts";
import { ROUNDS } from "./scenarios/rounds.ts";
import { SELECTORS } from "./scenarios/selectors.ts";
import { VIRTUAL_FUNCTIONS } from "./scenarios/virtual-functions.ts";

const ALL: readonly Scenario[] = [
  ...HOME,
  ...CLASH,
  ...ELSEWHERE,
  ...BRIDGE,
  ...BRIDGE_PORTS,
  ...CHILDREN,
  ...KIND,
  ...OTHERS,
  ...SELECTORS,
  ...VIRTUAL_FUNCTIONS,
  ...MEMBERSHIP,
  ...REFUSING,
  ...NETWORK_MANAGER,
  ...DRILL,
  ...ROUNDS,
  scenario("after all of this the daemon has left nothing behind", (lab) => lab[Symbol.asyncDispose]()),
];

const CHOSEN = new RegExp(process.env.VM_ONLY ?? "");

/** The scenarios in the order in which the guest runs them; of those VM_ONLY, a regular expression, chooses. */
export const SCENARIOS: readonly Scenario[] = ALL.filter(({ name }) => CHOSEN.test(name));
