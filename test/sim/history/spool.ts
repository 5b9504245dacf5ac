import type { SpoolEvent } from "../../../src/domain/event.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";

/** One event, and what became of it. */
export interface Entry {
  readonly event: SpoolEvent;
  /** One for each time that it was answered: exactly one is right. */
  readonly verdicts: Verdict[];
}

/**
 * What the real spool promises the engine: an event is there until it has been answered, and who comes after a
 * daemon that was killed is given again what was not, in the order in which it came.
 */
export interface Spool {
  readonly entries: Entry[];
  /** Those that wait for an answer. */
  readonly open: Set<Entry>;
}

/** An empty one. */
export function createSpool(): Spool {
  return { entries: [], open: new Set() };
}

/** Drops an event. */
export function drop(spool: Spool, event: SpoolEvent): Entry {
  const entry: Entry = { event, verdicts: [] };
  spool.entries.push(entry);
  spool.open.add(entry);
  return entry;
}
