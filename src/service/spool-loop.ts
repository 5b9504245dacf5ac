import type { Config } from "../config/config.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../engine/log.ts";
import { folderFaultText } from "../spool/folders.ts";
import { refusalText, refusedVerdict } from "../spool/refusal.ts";
import { openSpool, type Taken } from "../spool/spool.ts";
import { SpoolWatcher } from "../spool/watch.ts";
import { LOOKS, lifeOf } from "./container-life.ts";
import type { Health } from "./health.ts";

/** Events from the spool to the engine, and its verdicts back. */
export interface SpoolLoop extends Disposable {
  /** Takes no more events; those that were taken are answered. */
  pause(): void;
}

/** @param duration from when the event was taken, milliseconds */
export type AnswerListener = (verdict: Verdict, duration: number) => void;

/** Events under way at a time: enough to keep the kernel busy, few enough to forget none in memory. */
const UNDER_WAY_LIMIT = 1000;
/** Verdicts grow old by and by: the watcher's own interval is often enough to look. */
const SWEEP_MS = 5000;
/** Until a verdict that could not be written is tried again: its container's start waits for it. */
const RETRY_MS = 500;

/**
 * Takes what is in the spool from now on, what waited there first.
 *
 * @param answered told of each answer that was given
 */
export function startSpoolLoop(
  config: Config,
  engine: Engine,
  health: Health,
  answered: AnswerListener,
  log: Log,
): SpoolLoop {
  let paused = false;
  let underWay = 0;
  let due = false;
  let sweptAt = 0;
  let retry: Timer | null = null;

  const spool = openSpool({
    ...config.daemon,
    owner: process.geteuid?.() ?? 0,
    clock: () => performance.now(),
    isHeld: (id) => engine.isHolder(id),
    lifeOf: (event) => lifeOf(event, LOOKS),
    onFree: lookSoon,
    onTrouble: ({ message }) => log("error", message, {}),
  });

  /** What waits for a device may wait for long, and keeps nobody busy. */
  function busy(): number {
    return underWay - engine.waiting().length;
  }

  function look(): void {
    due = false;
    if (paused || busy() >= UNDER_WAY_LIMIT) return;
    const { taken, more, faults } = spool.take();
    health.fault("spool", faults.length === 0 ? null : faults.map(folderFaultText).join("; "));
    for (const one of taken) void handle(one);
    if (more) lookSoon();
    const now = performance.now();
    if (now - sweptAt < SWEEP_MS) return;
    sweptAt = now;
    spool.sweep();
    noteUnwritten();
  }

  function noteUnwritten(): void {
    health.fault("results", spool.unwritten);
    if (spool.unwritten === null || retry !== null) return;
    retry = setTimeout(() => {
      retry = null;
      spool.sweep();
      noteUnwritten();
    }, RETRY_MS);
  }

  function lookSoon(): void {
    if (due) return;
    due = true;
    setImmediate(look);
  }

  async function handle(taken: Taken): Promise<void> {
    underWay += 1;
    try {
      const begun = performance.now();
      const verdict = "event" in taken ? await engine.handle(taken.event) : refused(taken);
      spool.answer(verdict);
      noteUnwritten();
      answered(verdict, performance.now() - begun);
    } finally {
      underWay -= 1;
      if (busy() === UNDER_WAY_LIMIT - 1) lookSoon();
    }
  }

  function refused({ name, refusal }: Extract<Taken, { readonly refusal: unknown }>): Verdict {
    log("warning", `refused: ${refusalText(refusal)}`, { event: name, code: "invalid-event" });
    return refusedVerdict(name, refusal);
  }

  const watcher = new SpoolWatcher({
    path: config.daemon.spool,
    onLook: look,
    onTrouble: ({ message }) => log("warning", message, {}),
  });
  return {
    pause() {
      paused = true;
    },
    [Symbol.dispose]() {
      paused = true;
      if (retry !== null) clearTimeout(retry);
      watcher[Symbol.dispose]();
    },
  };
}
