import { randomFrom } from "../sim/model/random.ts";

/** FAULTS: "all", or how many of the cases are played. */
const COUNT = process.env.FAULTS === "all" ? Number.POSITIVE_INFINITY : Number(process.env.FAULTS ?? 100);
/** FAULT_SEED: which of them. */
const SEED = Number(process.env.FAULT_SEED ?? 1);

/** As many of the cases as are to be played, drawn by a seed, in their own order. */
export function sliceOf<T>(all: readonly T[], share = 1): readonly T[] {
  const random = randomFrom(SEED);
  const drawn = all.map((one, at) => ({ one, at, lot: random() }));
  const first = drawn.toSorted((a, b) => a.lot - b.lot).slice(0, Math.ceil(COUNT * share));
  return first.toSorted((a, b) => a.at - b.at).map(({ one }) => one);
}
