/** How often each kind of thing happened, over any number of histories. */
export type Tally = Map<string, number>;

/** Counts one more. */
export function count(tally: Tally, what: string, by = 1): void {
  tally.set(what, (tally.get(what) ?? 0) + by);
}

/** Adds what another one has counted. */
export function addUp(tally: Tally, other: Iterable<readonly [string, number]>): void {
  for (const [what, by] of other) count(tally, what, by);
}

/** One line for each kind, the most frequent first. */
export function tallyText(tally: Tally): string {
  const lines = Array.from(tally).sort(([, a], [, b]) => b - a);
  return lines.map(([what, times]) => `${String(times).padStart(9)}  ${what}`).join("\n");
}
