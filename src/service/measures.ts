import type { Attachment } from "../domain/attachment.ts";
import type { Outcome, Verdict } from "../domain/verdict.ts";
import type { LogLevel } from "../engine/log.ts";
import type { Buckets } from "../http/exposition.ts";
import { createHistogram } from "../http/histogram.ts";

/** What is counted and timed since the daemon's start. */
export interface Measures {
  /** @param duration from when the event was taken, milliseconds */
  answered(verdict: Verdict, duration: number): void;
  /** See `RegistryChange`. */
  changed(before: Attachment | null, after: Attachment | null): void;
  logged(level: LogLevel): void;
  /** A container of this id waits for a device: how long its attach takes is not netdevd's doing. */
  waits(id: string): void;
  /** How many events came to which outcome. */
  outcomes(): Readonly<Record<Outcome, number>>;
  logLines(): Readonly<Record<LogLevel, number>>;
  /** Seconds. */
  attach(): Buckets;
  /** Seconds. */
  homecoming(): Buckets;
}

/** Nothing has been counted yet. */
export function createMeasures(now: () => number = () => performance.now()): Measures {
  const outcomes = { attached: 0, unchanged: 0, returned: 0, "no-mapping": 0, refused: 0, failed: 0 };
  const logLines = { debug: 0, info: 0, warning: 0, error: 0 };
  const attach = createHistogram();
  const homecoming = createHistogram();
  const waited = new Set<string>();
  /** When an Attachment's devices began to come home, by key. */
  const leftAt = new Map<number, number>();

  return {
    answered({ id, outcome }, duration) {
      outcomes[outcome] += 1;
      const hasWaited = id !== null && waited.delete(id);
      if (outcome === "attached" && !hasWaited) attach.observe(duration / 1000);
    },
    changed(before, after) {
      const key = (after ?? before)?.key ?? 0;
      if (after?.state === "returning" && !leftAt.has(key)) leftAt.set(key, now());
      const since = leftAt.get(key);
      if (after !== null || since === undefined) return;
      leftAt.delete(key);
      homecoming.observe((now() - since) / 1000);
    },
    logged(level) {
      logLines[level] += 1;
    },
    waits: (id) => waited.add(id),
    outcomes: () => outcomes,
    logLines: () => logLines,
    attach: attach.read,
    homecoming: homecoming.read,
  };
}
