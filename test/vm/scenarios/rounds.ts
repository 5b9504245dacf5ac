import { KINDS, makeDevice } from "../../helpers/devices.ts";
import { type Makers, playRound } from "../../soak/round.ts";
import { type Scenario, scenario } from "../scenario.ts";

// The rounds of the soak tier with kinds of device and with settings that few kernels have, VLANs of bridges among them.

/** The first one's seed, and how many. */
const [FIRST, COUNT] = [Number(process.env.VM_SEED ?? 1), Number(process.env.VM_ROUNDS ?? 8)];

const overDummy = (name: string, kind: string) => [
  `link add ${name}-low type dummy`,
  `link set ${name}-low up`,
  `link add link ${name}-low name ${name} type ${kind}`,
];

const MAKERS: Makers = {
  ...Object.fromEntries(KINDS.map((kind) => [kind, (name: string) => makeDevice(kind, name)])),
  dummy: (name) => [`link add ${name} type dummy`],
  vlan: (name) => overDummy(name, "vlan id 42"),
  ipvlan: (name) => overDummy(name, "ipvlan mode l2"),
  wireguard: (name) => [`link add ${name} type wireguard`],
  gre: (name) => [`link add ${name} type gre local 192.0.2.77 remote 192.0.2.78`],
  geneve: (name) => [`link add ${name} type geneve id 7 remote 192.0.2.78`],
  vcan: (name) => [`link add ${name} type vcan`],
};

export const ROUNDS: readonly Scenario[] = Array.from({ length: COUNT }, (_, at) =>
  scenario(`round ${FIRST + at}: home as it was, whatever it had and whatever came`, () =>
    playRound(FIRST + at, MAKERS),
  ),
);
