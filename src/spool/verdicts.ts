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
  /** Files removed by one sweep at most, so that it does not hold up the event loop. */
  readonly sweep: number;
}

export const VERDICT_LIMITS: VerdictLimits = { keep: 60_000, count: 10_000, sweep: 1000 };

export interface VerdictOptions {
  readonly files: Files;
  /** The results folder. */
  readonly folder: string;
  /** Whether the container `id` lives and has devices: its verdicts stay. */
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
  /** Writes `results/NAME`; one that cannot be written is kept in memory, and each sweep tries again. */
  write(verdict: Verdict, now: number): void;
  /** Removes verdicts whose time is over, and writes those that could not be written. */
  sweep(now: number): void;
}

interface Kept {
  /** null: a verdict on a file that is no event. */
  readonly id: string | null;
  readonly since: number;
}

// Event names never begin with "."; one name serves all, because a verdict is written in one go.
const DRAFT = ".verdict";

/** The verdicts in `folder`: none known until {@link Verdicts.learn}. */
export function openVerdicts(options: VerdictOptions): Verdicts {
  const { files, folder, isHeld, onWritten, onTrouble, limits = VERDICT_LIMITS } = options;
  // Oldest first: a Map keeps the order of insertion.
  const kept = new Map<string, Kept>();
  const unwritten = new Map<string, Verdict>();
  /** One for all: a full disk is one fault, and not one for each verdict. */
  let why: { readonly words: string; readonly message: string } | null = null;

  const isNeeded = ({ id }: Kept): boolean => id !== null && isHeld(id);

  const keep = (name: string, verdict: Kept): void => {
    kept.delete(name);
    kept.set(name, verdict);
    if (kept.size <= limits.count) return;
    drop(firstOf(kept, (other) => !isNeeded(other)) ?? firstOf(kept, () => true) ?? name);
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
  const put = (verdict: Verdict, now: number): Error | null => {
    try {
      replaceFile(files, folder, verdict.event, `${JSON.stringify(verdict)}\n`);
    } catch (error) {
      if (!(error instanceof Error) || errnoName(error) === null) throw error;
      return error;
    }
    unwritten.delete(verdict.event);
    keep(verdict.event, { id: verdict.id, since: now });
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
        keep(name, { id: containerOf(files, join(folder, name)), since: now });
      }
    },
    has,
    remove(name) {
      unwritten.delete(name);
      if (unwritten.size === 0) why = null;
      kept.delete(name);
      if (has(name)) discard(files, folder, name);
    },
    write(verdict, now) {
      const error = put(verdict, now);
      if (error === null) return;
      unwritten.set(verdict.event, verdict);
      note(verdict.event, error);
    },
    sweep(now) {
      retry(now);
      let left = limits.sweep;
      for (const [name, verdict] of kept) {
        if (left === 0) return;
        if (now - verdict.since < limits.keep || isNeeded(verdict)) continue;
        drop(name);
        left -= 1;
      }
    },
  };
}

function firstOf(kept: ReadonlyMap<string, Kept>, holds: (verdict: Kept) => boolean): string | null {
  for (const [name, verdict] of kept) if (holds(verdict)) return name;
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
