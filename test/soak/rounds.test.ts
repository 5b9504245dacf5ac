import { KINDS, makeDevice } from "../helpers/devices.ts";
import { test } from "../helpers/live-test.ts";
import { playRound } from "./round.ts";

// The host is as it was, line by line of what ip, bridge and tc tell, whatever its devices had and whatever came.

/** SOAK_ROUNDS: how many. */
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 12);
/** SOAK_SEED: the first one's. */
const SEED = Number(process.env.SOAK_SEED ?? 1);

const MAKERS = Object.fromEntries(KINDS.map((kind) => [kind, (name: string) => makeDevice(kind, name)]));

for (let seed = SEED; seed < SEED + ROUNDS; seed++) {
  test(`round ${seed}: home as it was, whatever it had and whatever came`, () => playRound(seed, MAKERS));
}
