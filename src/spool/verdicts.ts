import { constants } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../domain/verdict.ts";
import { readBounded } from "./bounded-read.ts";
import { discard, moveInto } from "./discard.ts";
import { errnoName, type Files, isShortage, kernelWords, type Trouble } from "./files.ts";
import { parseJson } from "./json.ts";
import { movedFiles } from "./scan.ts";

/** How long verdicts are kept. */
export interface VerdictLimits {
  /** Milliseconds that each one is kept at least, while there are no more than `count`. */
  readonly keep: number;
  readonly count: number;
  /** Files removed, and containers looked at, by one sweep at most, so that it does not hold up the event loop. */
  readonly sweep: number;
  /** Containers looked at at most where there is one verdict too many. */
  readonly looks: number;
}

export const VERDICT_LIMITS: VerdictLimits = { keep: 60_000, count: 10_000, sweep: 1000, looks: 100 };

/** Looks whether the container that an event named still lives: some microseconds of work. Never throws. */
export type Life = () => boolean;

export interface VerdictOptions {
  readonly files: Files;
  /** The results folder. */
  readonly folder: string;
  /** Whether the container `id` has devices: its verdicts stay, without being looked at. */
  readonly isHeld: (id: string) => boolean;
  /** The verdict of this name is on disk, at once or after a retry. */
  readonly onWritten: (name: string) => void;
  readonly onTrouble: (trouble: Trouble) => void;
  readonly limits?: VerdictLimits;
}

/** The verdict files. `now`: milliseconds of any clock that never runs backwards. */
export interface Verdicts {
  /** Why some could not be written, which are kept in memory; null: all are. */
  readonly unwritten: string | null;
  /** Takes note of the files of former runs; for the start, once the folder is there. */
  learn(now: number): void;
  /** Whether the verdict of this name is on disk. */
  has(name: string): boolean;
  /** Removes the verdict of this name, which answered an older event. Throws what the kernel says. */
  remove(name: string): void;
  /**
   * Writes `results/NAME`; one that cannot be written is kept in memory, and each sweep tries again.
   *
   * @param life its container's, for as long as which it stays; null: nothing tells of that
   */
  write(verdict: Verdict, now: number, life?: Life | null): void;
  /** Removes verdicts whose time is over, and writes those that could not be written. */
  sweep(now: number): void;
}

interface Kept {
  /** null: a verdict on a file that is no event. */
  readonly id: string | null;
  readonly since: number;
  /**
   * null as well for what earlier daemons wrote: in a verdict is neither pid nor namespace. Those of containers that live
   * without devices are kept over a restart for no more than the time that all are.
   */
  readonly life: Life | null;
  /** When it was seen to live; null: it was not looked at yet. */
  readonly livedAt: number | null;
}

interface Unwritten {
  readonly verdict: Verdict;
  readonly life: Life | null;
}

// Event names never begin with "."; one name serves all, because a verdict is written in one go.
const DRAFT = ".verdict";

/** The verdicts in `folder`: none known until {@link Verdicts.learn}. */
export function openVerdicts(options: VerdictOptions): Verdicts {
  const { files, folder, isHeld, onWritten, onTrouble, limits = VERDICT_LIMITS } = options;
  // Oldest first: a Map keeps the order of insertion.
  const kept = new Map<string, Kept>();
  const unwritten = new Map<string, Unwritten>();
  /** One for all: a full disk is one fault, and not one for each verdict. */
  let why: { readonly words: string; readonly message: string } | null = null;

  /** By what is known without looking; that it was seen to live a moment ago is enough. */
  const isNeeded = ({ id, livedAt }: Kept, now: number): boolean =>
    (id !== null && isHeld(id)) || (livedAt !== null && now - livedAt < limits.keep);

  const isSeenToLive = (name: string, verdict: Kept, now: number): boolean => {
    if (verdict.life?.() !== true) return false;
    kept.set(name, { ...verdict, livedAt: now });
    return true;
  };

  const keep = (name: string, verdict: Kept): void => {
    kept.delete(name);
    if (kept.size >= limits.count) drop(oneToGo(verdict.since) ?? firstOf(kept) ?? name);
    kept.set(name, verdict);
  };

  /** The oldest whose container does not live, of those that are looked at. */
  const oneToGo = (now: number): string | null => {
    let left = limits.looks;
    for (const [name, verdict] of kept) {
      if (isNeeded(verdict, now)) continue;
      if (verdict.life === null) return name;
      if (left === 0) continue;
      left -= 1;
      if (!isSeenToLive(name, verdict, now)) return name;
    }
    return null;
  };

  const drop = (name: string): void => {
    kept.delete(name);
    try {
      discard(files, folder, name);
    } catch (error) {
      onTrouble({
        message: `cannot remove the verdict ${join(folder, name)}: ${kernelWords(error)}`,
        cause: error,
      });
    }
  };

  /** null: written. */
  const put = ({ verdict, life }: Unwritten, now: number): Error | null => {
    try {
      replaceFile(files, folder, verdict.event, `${JSON.stringify(verdict)}\n`);
    } catch (error) {
      if (!(error instanceof Error) || errnoName(error) === null) throw error;
      return error;
    }
    unwritten.delete(verdict.event);
    keep(verdict.event, { id: verdict.id, since: now, life, livedAt: null });
    onWritten(verdict.event);
    return null;
  };

  const note = (name: string, error: Error): void => {
    const words = kernelWords(error);
    if (words === why?.words) return;
    const message = `cannot write the verdict ${join(folder, name)}: ${words}; it is tried again, and its event stays claimed until then`;
    why = { words, message };
  };

  const retry = (now: number): void => {
    for (const [name, verdict] of unwritten) {
      const error = put(verdict, now);
      if (error === null) continue;
      note(name, error);
      if (isShortage(error)) return;
    }
    if (unwritten.size === 0) why = null;
  };

  const has = (name: string): boolean =>
    files.lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined;

  return {
    get unwritten() {
      return why?.message ?? null;
    },
    learn(now) {
      discard(files, folder, DRAFT);
      for (const { name } of movedFiles(files, folder)) {
        const id = containerOf(files, join(folder, name));
        keep(name, { id, since: now, life: null, livedAt: null });
      }
    },
    has,
    remove(name) {
      unwritten.delete(name);
      if (unwritten.size === 0) why = null;
      kept.delete(name);
      if (has(name)) discard(files, folder, name);
    },
    write(verdict, now, life = null) {
      const error = put({ verdict, life }, now);
      if (error === null) return;
      unwritten.set(verdict.event, { verdict, life });
      note(verdict.event, error);
    },
    sweep(now) {
      retry(now);
      let left = limits.sweep;
      for (const [name, verdict] of kept) {
        if (left === 0) return;
        if (now - verdict.since < limits.keep || isNeeded(verdict, now)) continue;
        left -= 1;
        if (!isSeenToLive(name, verdict, now)) drop(name);
      }
    },
  };
}

function firstOf(kept: ReadonlyMap<string, Kept>): string | null {
  for (const name of kept.keys()) return name;
  return null;
}

/** The `id` of the verdict file at `path`, or null where it tells none. */
function containerOf(files: Files, path: string): string | null {
  const file = readBounded(files, path);
  const parsed = typeof file === "object" && file.type === "bytes" ? parseJson(file.bytes) : null;
  const verdict = parsed?.ok === true ? parsed.json : null;
  const hasId = typeof verdict === "object" && verdict !== null && "id" in verdict;
  return hasId && typeof verdict.id === "string" ? verdict.id : null;
}

/** Writes `folder/name` anew: whoever looks sees the old file, the whole new one, or none. */
function replaceFile(files: Files, folder: string, name: string, text: string): void {
  const draft = join(folder, DRAFT);
  try {
    const fd = files.openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
    try {
      files.writeFileSync(fd, text);
      // open(2) takes the umask away from the mode.
      files.fchmodSync(fd, 0o644);
    } finally {
      files.closeSync(fd);
    }
    moveInto(files, draft, folder, name);
  } catch (error) {
    discard(files, folder, DRAFT);
    throw error;
  }
}
