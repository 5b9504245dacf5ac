import type { Attachment } from "../domain/attachment.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import type { WayHomeEnd } from "../domain/way-home.ts";
import type { Log } from "../engine/log.ts";
import type { WaitClock } from "../engine/waits.ts";
import type { Occurrence } from "../http/occurrence.ts";
import { createHistory, type History } from "./history.ts";
import { createMeasures, type Measures } from "./measures.ts";
import { createTeller } from "./teller.ts";

/** What is looked at whenever something may have changed. */
export interface Observed {
  waiting(): readonly Waiting[];
  /** Those of `/readyz`. */
  reasons(): readonly string[];
}

/**
 * Sees what a daemon does from outside of it: at its log, its registry, its clock and its answers. No fault of the
 * observer's is one of theirs.
 */
export interface Observer {
  readonly measures: Measures;
  readonly history: History;
  /** The log that was given, seen. */
  readonly log: Log;
  /** The clock that was given, seen: whoever begins to wait sets an alarm. */
  readonly clock: WaitClock;
  /** See `RegistryChange`. */
  changed(before: Attachment | null, after: Attachment | null): void;
  /** See `EngineParts`. */
  wayHomeEnded(end: WayHomeEnd): void;
  /** See `AnswerListener`. */
  answered(verdict: Verdict, duration: number): void;
  /** What it looks at from now on; null: at nothing any more. */
  look(at: Observed | null): void;
}

/** An observer that has seen nothing yet. */
export function createObserver(log: Log, clock: WaitClock, tell: (occurrence: Occurrence) => void): Observer {
  const measures = createMeasures();
  const history = createHistory(clock.now);
  const teller = createTeller(tell);
  let observed: Observed | null = null;
  let isDue = false;

  function untroubled(see: () => void): void {
    try {
      see();
    } catch (error) {
      log("error", `readers of HTTP were not told all: ${error}`, { code: "internal" });
    }
  }

  /** Once for all that happens in one turn. */
  function lookSoon(): void {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      const at = observed;
      if (at === null) return;
      untroubled(() => {
        teller.waiting(at.waiting());
        teller.reasons(at.reasons());
      });
    });
  }

  return {
    measures,
    history,
    log(level, message, fields) {
      log(level, message, fields);
      untroubled(() => {
        measures.logged(level);
        if (level === "warning") teller.warned(message, fields);
      });
      // Faults are logged when they are new, and when they are over.
      lookSoon();
    },
    clock: {
      ...clock,
      alarm(milliseconds, ring) {
        untroubled(() => {
          for (const { holder } of observed?.waiting() ?? []) measures.waits(holder.id);
        });
        lookSoon();
        return clock.alarm(milliseconds, ring);
      },
    },
    changed(before, after) {
      untroubled(() => {
        measures.changed(before, after);
        teller.changed(before, after);
      });
      lookSoon();
    },
    wayHomeEnded: (end) => untroubled(() => history.add(end)),
    answered(verdict, duration) {
      untroubled(() => {
        measures.answered(verdict, duration);
        teller.answered(verdict);
      });
      lookSoon();
    },
    look(at) {
      observed = at;
      lookSoon();
    },
  };
}
