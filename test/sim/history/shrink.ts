import type { History } from "./history.ts";
import { type Outcome, play } from "./play.ts";

/** A history that still goes wrong when no part of it can be left out, and what came of it. */
export interface Shrunk {
  readonly history: History;
  readonly outcome: Outcome;
}

/** Leaves out of a history that goes wrong whatever can be left out: halves, quarters, …, single actions. */
export async function shrink(history: History): Promise<Shrunk> {
  let best: Shrunk = { history, outcome: await play(history, new Map()) };
  let { length: size } = history.actions;
  while (size >= 1) {
    let isSmaller = false;
    for (let at = 0; at < best.history.actions.length; ) {
      const actions = best.history.actions.toSpliced(at, size);
      const outcome = await play({ ...history, actions }, new Map());
      if (outcome.faults.length === 0) {
        at += size;
        continue;
      }
      best = { history: { ...history, actions }, outcome };
      isSmaller = true;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!isSmaller) size = 0;
  }
  return best;
}

/** The same failure for a person: what happened, and then what is wrong. */
export function failureText(seed: number, { history, outcome }: Shrunk): string {
  return [
    `history ${seed} goes wrong; \`npm run test:sim -- --seed ${seed}\` plays it alone. What is left of it (${history.actions.length} actions):`,
    ...outcome.trace.map((line) => `  ${line}`),
    "WRONG:",
    ...outcome.faults.map((fault) => `  ${fault}`),
  ].join("\n");
}
