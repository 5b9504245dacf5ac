import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../../domain/verdict.ts";
import { readJournal } from "../../engine/journal.ts";
import type { Log } from "../../engine/log.ts";
import { type Pins, pinsIn } from "../../engine/pins.ts";
import { PINS } from "../folders.ts";
import { takeLock } from "../lock.ts";
import { releaseAlone } from "../release-alone.ts";

/** A drill's own state folder, inside that of the daemon. */
export interface DrillFolder {
  readonly path: string;
  /** What is on record as away, by the host's names. */
  readonly devices: readonly string[];
  /** Whether nobody is at it: neither the drill nor its watchdog lives. */
  readonly isLeft: boolean;
}

/** The name of the state folder of the drill that has this pid. */
export function drillFolderName(pid: number): string {
  return `drill-${pid}`;
}

/** The folders of all drills, under way or left, in a state folder. */
export function drillFolders(state: string): DrillFolder[] {
  return namesIn(state)
    .filter((name) => /^drill-\d+$/.test(name))
    .flatMap((name) => {
      const path = join(state, name);
      const devices = readJournal(path).flatMap((one) =>
        one.devices.map(({ snapshot }) => snapshot.device.name),
      );
      try {
        const locked = takeLock(path);
        if (locked.ok) locked.lock[Symbol.dispose]();
        return [{ path, devices, isLeft: locked.ok }];
      } catch {
        // It was taken away meanwhile: that drill has ended well.
        return [];
      }
    });
}

/**
 * Brings home what a drill has left, and takes its folder away when all of it is home.
 *
 * @returns null: somebody is at it
 */
export async function bringHomeFrom(folder: string, log: Log): Promise<Verdict | null> {
  const locked = takeLock(folder);
  if (!locked.ok) return null;
  using _lock = locked.lock;
  const event = { type: "release", name: `release-${process.pid}-${Date.now()}.json`, id: null } as const;
  const verdict = await releaseAlone({ daemon: { state: folder }, mappings: [] }, event, log);
  if (verdict.error === null && verdict.outcome !== "failed") removeDrillFolder(folder);
  return verdict;
}

/** Takes a drill's folder away, unless something is pinned or on record there; gives whether it is gone. */
export function removeDrillFolder(folder: string): boolean {
  if (pinsIn(join(folder, PINS)).list().length > 0 || readJournal(folder).length > 0) return false;
  const { list, unpin } = trials(folder);
  if (list().includes(TRIAL)) unpin(TRIAL);
  rmSync(folder, { recursive: true, force: true });
  return true;
}

/** Why the namespace of an fd could not be pinned in a drill's folder; null: it could. It is not pinned afterwards. */
export function tryToPin(folder: string, fd: number): string | null {
  const pins = trials(folder);
  const why = pins.pin(TRIAL, fd);
  if (why === null) pins.unpin(TRIAL);
  return why;
}

const TRIAL = "trial";

/** Beside the pins that count: nothing is held by one of these. */
function trials(folder: string): Pins {
  return pinsIn(join(folder, TRIAL));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
