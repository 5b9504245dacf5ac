import { historyOf } from "./history.ts";
import { play } from "./play.ts";
import { failureText, shrink } from "./shrink.ts";
import type { Tally } from "./tally.ts";

/** What one process of several found. */
export interface Report {
  readonly tally: readonly (readonly [string, number])[];
  /** The first history that went wrong, shortened and told; null: none did. */
  readonly failure: string | null;
}

/** A million take the better part of an hour: from time to time it is told where it is. */
const TOLD_EACH = 100_000;

/** Plays the histories of `count` seeds from `from` on, one in `step` of them, until one goes wrong. */
export async function playMany(from: number, count: number, step: number): Promise<Report> {
  const tally: Tally = new Map();
  for (let seed = from; seed < from + count; seed += step) {
    if (seed > from && (seed - from) % TOLD_EACH < step) console.error(`seed ${seed} …`);
    const { faults } = await play(historyOf(seed), tally);
    if (faults.length === 0) continue;
    return { tally: Array.from(tally), failure: failureText(seed, await shrink(historyOf(seed))) };
  }
  return { tally: Array.from(tally), failure: null };
}

if (import.meta.main) {
  const [from = 1, count = 1, step = 1] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await playMany(from, count, step)));
}
