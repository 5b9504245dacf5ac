import type { Buckets } from "./exposition.ts";

/** Counts how long something took. */
export interface Histogram {
  observe(value: number): void;
  read(): Buckets;
}

/** Seconds: what an attach or a return takes on a quiet host, a busy one, and one that is in trouble. */
export const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** A histogram that has counted nothing yet; `bounds` rise. */
export function createHistogram(bounds: readonly number[] = DURATIONS): Histogram {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  return {
    observe(value) {
      const at = bounds.findIndex((bound) => value <= bound);
      const bucket = at < 0 ? bounds.length : at;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
    },
    read: () => ({ bounds, counts: [...counts], sum }),
  };
}
