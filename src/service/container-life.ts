import { readFileSync, statSync } from "node:fs";
import { bootTime, parseStat } from "../../ffi/process.ts";
import type { SpoolEvent } from "../domain/event.ts";
import { startedAfter } from "../engine/target.ts";
import type { Life } from "../spool/verdicts.ts";

/** What it takes to look whether containers live. */
export interface LifeLooks {
  /** CLOCK_REALTIME, milliseconds. */
  readonly now: () => number;
  /** CLOCK_BOOTTIME, milliseconds. */
  readonly uptime: () => number;
  /** What /proc/PID/stat says; null: there is no such process. */
  readonly stat: (pid: number) => string | null;
  /** What tells the namespace that a path leads to from others; null: it leads to none. */
  readonly namespace: (path: string) => string | null;
}

/** This machine. */
export const LOOKS: LifeLooks = { now: Date.now, uptime: bootTime, stat: readStat, namespace: namespaceAt };

/**
 * How to find out later whether the container that an event named just now still lives: by its process, or by the
 * namespace under its path. null: it named neither.
 */
export function lifeOf(event: SpoolEvent, looks: LifeLooks): Life | null {
  if (event.type !== "container" || event.target === null) return null;
  const { target, writtenAt } = event;
  if (target.by === "pid") return lifeOfProcess(target.pid, writtenAt, looks);
  const { path } = target;
  const known = looks.namespace(path);
  return known === null ? null : () => looks.namespace(path) === known;
}

function lifeOfProcess(pid: number, writtenAt: number, { now, uptime, stat }: LifeLooks): Life | null {
  // No container's: init would never end.
  if (pid <= 1) return null;
  // Now, and by the clock that start times are told in: the other one may be set until it is looked at.
  const written = uptime() - Math.max(0, now() - writtenAt);
  return () => {
    try {
      const text = stat(pid);
      if (text === null) return false;
      const { state, startTime } = parseStat(text);
      return state !== "Z" && state !== "X" && !startedAfter(startTime, written);
    } catch {
      // Short of fds it cannot be told: it may live.
      return true;
    }
  };
}

function readStat(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    // ESRCH: it ended between open(2) and read(2).
    const isGone =
      error instanceof Error && "code" in error && ["ENOENT", "ESRCH"].includes(String(error.code));
    if (isGone) return null;
    throw error;
  }
}

/**
 * By its number, which may be another's as soon as it has ended: nothing but an open fd, which would keep it from ending,
 * tells these apart. A verdict is kept longer then than it has to be.
 */
function namespaceAt(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    // All namespaces are of one file system, which has nothing else.
    return dev === statSync("/proc/self/ns/net").dev ? String(ino) : null;
  } catch {
    return null;
  }
}
