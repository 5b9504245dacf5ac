import { integer, pick, type Random, randomFrom } from "../model/random.ts";
import {
  killContainer,
  reusePid,
  sayAgain,
  sayNonsense,
  sayRelease,
  sayStopped,
  startContainer,
  startPod,
  unmountNamespace,
} from "./container-deeds.ts";
import {
  endAllTroubles,
  failCalls,
  fillDisk,
  killDaemon,
  refuseRequests,
  reload,
  restartFused,
  retry,
  setClock,
  start,
  timePasses,
  wait,
} from "./daemon-deeds.ts";
import { appear, changeAtHome, removeBridge, strangerComes, strangerGoes, vanish } from "./home-deeds.ts";
import { deleteInside, endNested, makeInside, meddle, nest } from "./inside-deeds.ts";
import type { Stage } from "./stage.ts";

type Deed = (stage: Stage, random: Random) => void | Promise<void>;

/** What may happen, and how often beside the others. */
const DEEDS: Readonly<Record<string, readonly [weight: number, deed: Deed]>> = {
  startContainer: [10, startContainer],
  startPod: [3, startPod],
  sayAgain: [3, sayAgain],
  sayStopped: [4, sayStopped],
  sayRelease: [3, sayRelease],
  sayNonsense: [1, sayNonsense],
  killContainer: [5, killContainer],
  reusePid: [2, reusePid],
  unmountNamespace: [1, unmountNamespace],
  meddle: [6, meddle],
  deleteInside: [1, deleteInside],
  nest: [1, nest],
  endNested: [1, endNested],
  makeInside: [1, makeInside],
  changeAtHome: [5, changeAtHome],
  removeBridge: [1, removeBridge],
  vanish: [1, vanish],
  appear: [1, appear],
  strangerComes: [3, strangerComes],
  strangerGoes: [2, strangerGoes],
  killDaemon: [3, killDaemon],
  restartFused: [4, restartFused],
  startDaemon: [4, (stage) => start(stage)],
  wait: [14, wait],
  timePasses: [2, timePasses],
  retry: [2, retry],
  setClock: [1, setClock],
  reload: [1, reload],
  refuseRequests: [4, refuseRequests],
  failCalls: [1, failCalls],
  fillDisk: [1, fillDisk],
  endAllTroubles: [2, endAllTroubles],
};

const RAFFLE: readonly string[] = Object.entries(DEEDS).flatMap(([name, [weight]]) =>
  Array.from({ length: weight }, () => name),
);

/** One thing that happens, as data. Its dice are its own, so that it rolls the same when others are left out. */
export interface Action {
  readonly deed: string;
  readonly dice: number;
}

/** A machine to begin with, and what happens on it. */
export interface History {
  readonly seed: number;
  readonly actions: readonly Action[];
}

const LONGEST = 20;

/** The history of a seed. */
export function historyOf(seed: number): History {
  const random = randomFrom(seed);
  const actions = Array.from({ length: 2 + integer(random, LONGEST - 1) }, () => ({
    deed: pick(random, RAFFLE),
    dice: integer(random, 2 ** 32),
  }));
  return { seed, actions };
}

/** Has an action happen. */
export async function perform(stage: Stage, { deed, dice }: Action): Promise<void> {
  await DEEDS[deed]?.[1](stage, randomFrom(dice));
}
