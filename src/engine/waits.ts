import type { ContainerEvent, SpoolEvent } from "../domain/event.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import { createMutex, type Mutex } from "./mutex.ts";

/** How a wait came to its end: something has changed, time is up, or the container is refused. */
export type WaitEnd = "look" | "late" | Problem;

/** The patience of one attach event, from its arrival on: it may be told to end before it is needed. */
export interface Patience extends Disposable {
  /**
   * Waits for devices.
   *
   * @param watch that of the container's process
   * @param seen what {@link Waits.changes} was before they were looked for: what came since is not missed
   * @param deadline CLOCK_REALTIME, milliseconds
   */
  wait(waiting: Waiting, watch: number | null, seen: number, deadline: number): Promise<WaitEnd>;
}

/** The attach events that wait, or may have to: nobody else is held up by them. */
export interface Waits {
  /** Counts what may have brought somebody a device. */
  readonly changes: number;
  /** Lets one of them look at a time. */
  readonly looking: Mutex;
  /** A device may have come, or have come free. */
  changed(): void;
  begin(event: ContainerEvent): Patience;
  /** Ends the waiting that a `stopped` or a `release` is about. */
  endFor(event: SpoolEvent): void;
  /** Ends the waiting of the container whose process was watched so; false: none waits. */
  exited(watch: number): boolean;
  /** Those that wait, in the order of their arrival. */
  list(): readonly Waiting[];
  /** Whether the event whose turn it is among those of this id does nothing but wait. */
  isAsleep(id: string): boolean;
  /** Resolves when one begins to do nothing but wait. */
  nextSleep(): Promise<void>;
  /** Answers none of them any more: they are left to the next daemon. */
  abandon(): void;
}

/** What the time of waits comes from. */
export interface WaitClock {
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Rings once, that much later; to be called off with what it gives. */
  readonly alarm: (milliseconds: number, ring: () => void) => () => void;
}

/** Why waiting ends though the devices did not come. */
type Ending = "exited" | "stopped" | "released";

interface Entry {
  readonly event: ContainerEvent;
  waiting: Waiting | null;
  watch: number | null;
  ending: Ending | null;
  /** Set while it does nothing but wait. */
  wake: ((how: "look" | "late") => void) | null;
}

/** A device that has just come is told of several times, until it is renamed and set up: one look is enough. */
const LOOK_PAUSE_MS = 20;

/** Nobody waits yet. */
export function createWaits({ now, sleep, alarm }: WaitClock): Waits {
  const entries = new Set<Entry>();
  let changes = 0;
  let abandoned = false;
  let sleeper = Promise.withResolvers<void>();

  function end(entry: Entry, ending: Ending): void {
    entry.ending ??= ending;
    entry.wake?.("look");
  }

  function asleep(entry: Entry, milliseconds: number): Promise<"look" | "late"> {
    const { promise, resolve } = Promise.withResolvers<"look" | "late">();
    const callOff = abandoned ? () => undefined : alarm(milliseconds, () => entry.wake?.("late"));
    entry.wake = (how) => {
      callOff();
      if (abandoned) return;
      entry.wake = null;
      resolve(how);
    };
    sleeper.resolve();
    sleeper = Promise.withResolvers();
    return promise;
  }

  return {
    get changes() {
      return changes;
    },
    looking: createMutex(),
    changed() {
      changes += 1;
      for (const entry of entries) entry.wake?.("look");
    },
    begin(event) {
      const entry: Entry = { event, waiting: null, watch: null, ending: null, wake: null };
      entries.add(entry);
      return {
        async wait(waiting, watch, seen, deadline) {
          entry.waiting = { ...waiting, since: entry.waiting?.since ?? waiting.since };
          entry.watch = watch;
          let how: "look" | "late" = "look";
          const left = deadline - now();
          if (left <= 0) how = "late";
          else if (abandoned || (entry.ending === null && seen === changes)) how = await asleep(entry, left);
          if (how === "look" && entry.ending === null) await sleep(LOOK_PAUSE_MS);
          entry.watch = null;
          return entry.ending === null ? how : refusalFor(event, entry.ending, waiting.lacks);
        },
        [Symbol.dispose]: () => entries.delete(entry),
      };
    },
    endFor(event) {
      for (const entry of entries) {
        if (event.id !== null && event.id !== entry.event.id) continue;
        if (event.type === "release") end(entry, "released");
        else if (isOf(event, entry.event)) end(entry, "stopped");
      }
    },
    exited(watch) {
      const entry = Array.from(entries).find((one) => one.watch === watch);
      if (entry !== undefined) end(entry, "exited");
      return entry !== undefined;
    },
    list: () => Array.from(entries).flatMap(({ waiting }) => (waiting === null ? [] : [waiting])),
    isAsleep: (id) => Array.from(entries).some(({ event, wake }) => event.id === id && wake !== null),
    nextSleep: () => sleeper.promise,
    abandon() {
      abandoned = true;
      for (const { wake } of entries) wake?.("late");
    },
  };
}

/** Whether a `stopped` is of the container that waits: one with a pid is of the container with that pid alone. */
function isOf(stopped: ContainerEvent, { target }: ContainerEvent): boolean {
  if (stopped.target?.by !== "pid") return true;
  return target?.by === "pid" && target.pid === stopped.target.pid;
}

function refusalFor({ id }: ContainerEvent, ending: Ending, lacks: Problem): Problem {
  const what = ending === "exited" ? "has ended" : `was ${ending}`;
  const message = `container ${id} ${what} while it waited for devices: ${lacks.message}`;
  return { code: ending === "released" ? lacks.code : "process-gone", message, device: lacks.device };
}
