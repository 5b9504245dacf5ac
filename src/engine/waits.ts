import type { ContainerEvent, SpoolEvent } from "../domain/event.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import { createMutex, type Mutex } from "./mutex.ts";

/** How a wait came to its end: something has changed, time is up, or the container is refused. */
export type WaitEnd = "look" | "late" | Problem;

/** For how long to wait. */
export interface WaitLimits {
  /** What {@link Waits.changes} was before the devices were looked for: what came since is not missed. */
  readonly seen: number;
  /** See {@link WaitClock.uptime}. */
  readonly deadline: number;
  /** Looks again soon, though nothing tells of a change. */
  readonly isComing: boolean;
}

/** The patience of one attach event, from its arrival on: it may be told to end before it is needed. */
export interface Patience extends Disposable {
  /** When the event was written, as {@link WaitClock.uptime} has it; its arrival where it was written in the future. */
  readonly writtenAt: number;
  /**
   * Waits for devices.
   *
   * @param watch that of the container's process
   */
  wait(waiting: Waiting, watch: number | null, limits: WaitLimits): Promise<WaitEnd>;
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
  /** CLOCK_REALTIME, milliseconds: anybody may set it at any time. */
  readonly now: () => number;
  /** CLOCK_BOOTTIME, milliseconds: nobody can set it, and processes' start times are told by it. */
  readonly uptime: () => number;
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
  wake: (() => void) | null;
}

/** A device that has just come is told of several times, until it is renamed and set up: one look is enough. */
const LOOK_PAUSE_MS = 20;
/** How often one looks whether udev is done with a device. */
const LOOK_AGAIN_MS = 50;

/** Nobody waits yet. */
export function createWaits({ now, uptime, sleep, alarm }: WaitClock): Waits {
  const entries = new Set<Entry>();
  let changes = 0;
  let abandoned = false;
  let sleeper = Promise.withResolvers<void>();

  function end(entry: Entry, ending: Ending): void {
    entry.ending ??= ending;
    entry.wake?.();
  }

  function asleep(entry: Entry, milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = abandoned ? () => undefined : alarm(milliseconds, () => entry.wake?.());
    entry.wake = () => {
      callOff();
      if (abandoned) return;
      entry.wake = null;
      resolve();
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
      for (const entry of entries) entry.wake?.();
    },
    begin(event) {
      const entry: Entry = { event, waiting: null, watch: null, ending: null, wake: null };
      entries.add(entry);
      return {
        writtenAt: uptime() - Math.max(0, now() - event.writtenAt),
        async wait(waiting, watch, { seen, deadline, isComing }) {
          entry.waiting = { ...waiting, since: entry.waiting?.since ?? waiting.since };
          entry.watch = watch;
          const left = deadline - uptime();
          if (left > 0 && (abandoned || (entry.ending === null && seen === changes))) {
            await asleep(entry, isComing ? Math.min(left, LOOK_AGAIN_MS) : left);
          }
          const isLate = uptime() >= deadline;
          if (!isLate && entry.ending === null) await sleep(LOOK_PAUSE_MS);
          entry.watch = null;
          if (entry.ending !== null) return refusalFor(event, entry.ending, waiting.lacks);
          return isLate ? "late" : "look";
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
      for (const { wake } of entries) wake?.();
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
