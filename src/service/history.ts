import type { Problem } from "../domain/verdict.ts";
import type { WayHomeEnd } from "../domain/way-home.ts";
import type { PastHomecoming } from "../http/status.ts";

/** The latest homecomings of this daemon's life. */
export interface History {
  add(end: WayHomeEnd): void;
  /** Newest last. */
  all(): readonly PastHomecoming[];
}

/** Each names one device. */
const HOMECOMINGS = 100;
/** Of one device: it may have lost thousands of routes, and whoever reads the status is sent all of it each time. */
const WARNINGS = 50;

/**
 * A history of nothing yet.
 *
 * @param now CLOCK_REALTIME, milliseconds
 */
export function createHistory(now: () => number): History {
  let kept: readonly PastHomecoming[] = [];
  return {
    add(end) {
      const warnings = bounded(end.warnings, end.device);
      kept = [...kept, { ...end, at: now(), warnings }].slice(-HOMECOMINGS);
    },
    all: () => kept,
  };
}

function bounded(warnings: readonly Problem[], device: string): readonly Problem[] {
  if (warnings.length <= WARNINGS) return warnings;
  const told = warnings.slice(0, WARNINGS - 1);
  const message = `${warnings.length - told.length} more like these of ${device}, which the log has`;
  return [...told, { code: "not-as-wanted", message, device }];
}
