import fs from "node:fs";
import { join } from "node:path";
import type { SpoolEvent } from "../domain/event.ts";
import type { Verdict } from "../domain/verdict.ts";
import { openBacklog } from "./backlog.ts";
import { readBounded } from "./bounded-read.ts";
import { claim } from "./claim.ts";
import { discard, discardLeftovers } from "./discard.ts";
import { parseEvent } from "./event-file.ts";
import { errnoName, type Files, kernelWords, type Trouble } from "./files.ts";
import { type FolderFault, folderFault, makeFolder } from "./folders.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { openRefused, type RefusedFolder } from "./refused.ts";
import { movedFiles, type WaitingFile } from "./scan.ts";
import { type Life, openVerdicts } from "./verdicts.ts";

export interface SpoolOptions {
  /** The folder that events are dropped into. */
  readonly spool: string;
  /** The folder of the verdicts. */
  readonly results: string;
  /** The state folder, which is checked but belongs to the journal. */
  readonly state: string;
  /** The uid that must own the folders: the daemon's own. */
  readonly owner: number;
  /** Milliseconds of a clock that never runs backwards. */
  readonly clock: () => number;
  /** Whether the container `id` has devices: its verdicts stay. */
  readonly isHeld: (id: string) => boolean;
  /** How to look whether the container of an event lives, as long as which its verdict stays; null: nothing tells. */
  readonly lifeOf: (event: SpoolEvent) => Life | null;
  /** An event that had to wait for an older one of its name can be taken now: look again. */
  readonly onFree: () => void;
  readonly onTrouble: (trouble: Trouble) => void;
  readonly files?: Files;
}

/** One spool file, claimed: an event, or the reason why it is none. */
export type Taken =
  | { readonly name: string; readonly event: SpoolEvent }
  | { readonly name: string; readonly refusal: Refusal };

/** What one look at the spool gave. */
export interface Look {
  /** In the order in which they are to be handled. */
  readonly taken: readonly Taken[];
  /** More is there: look again, after the event loop had its turn. */
  readonly more: boolean;
  /** Why nothing (more) is taken; told at each look for as long as it is so. */
  readonly faults: readonly FolderFault[];
}

/** The way in and the answers: files become events, verdicts become files. */
export interface Spool {
  /**
   * Checks the folders and takes the next events, a slice at a time: what an earlier daemon claimed and did
   * not answer comes first, then all that was there at one moment, oldest first, and so on.
   */
  take(): Look;
  /**
   * Writes the verdict on an event. Once it is on disk the event's file goes, to `refused/` where it was no
   * event; until then it stays claimed, so that the next daemon would take it again.
   */
  answer(verdict: Verdict): void;
  /** Why verdicts could not be written, which are kept in memory until a sweep writes them; null: all are. */
  readonly unwritten: string | null;
  /** Whether the verdict on the event of this name is on disk. */
  isAnswered(name: string): boolean;
  /** Lets old verdicts go and tries again to write those that could not be written. To be called now and then. */
  sweep(): void;
}

interface UnderWay {
  /** The file is no event. */
  readonly isRefused: boolean;
  /** Its container's. */
  readonly life: Life | null;
}

const NO_EVENT: UnderWay = { isRefused: true, life: null };

/** Files looked at, and files claimed and read, by one take: 2 to 6 ms of work. */
const LOOKED_AT = 1000;
const CLAIMED = 100;

/** The spool in these folders; nothing is touched before the first {@link Spool.take}. */
export function openSpool(options: SpoolOptions): Spool {
  const { files = fs, clock, isHeld, onFree, onTrouble } = options;
  const claimed = join(options.spool, "claimed");
  const refused = join(options.spool, "refused");
  const backlog = openBacklog(files, options.spool);
  const verdicts = openVerdicts({ files, folder: options.results, isHeld, onWritten: settle, onTrouble });
  let refusedFiles: RefusedFolder | null = null;
  /** Names of files that are claimed and not yet read; the next one last. */
  let unread: string[] = [];
  /** Events that are read and not yet answered, by name. */
  const underWay = new Map<string, UnderWay>();
  /** Names in the spool that wait for the event under way of the same name. */
  const waiting = new Set<string>();
  /** Files that cannot be claimed, by name, with the change time for which that was told. */
  const unclaimable = new Map<string, bigint>();

  function take(): Look {
    const faults = folderFaults(files, options, claimed, refused);
    if (faults.length > 0) return { taken: [], more: false, faults };
    const taken: Taken[] = [];
    try {
      if (refusedFiles === null) refusedFiles = start();
      if (!backlog.fill(LOOKED_AT)) return { taken, more: true, faults };
      // A claim is one step, a read the next.
      for (let steps = 2 * CLAIMED; steps > 0 && hasMore(); steps--) {
        const next = unread.length > 0 ? readNext() : claimNext();
        if (next !== null) taken.push(next);
      }
    } catch (error) {
      if (!(error instanceof Error) || errnoName(error) === null) throw error;
      const found = `cannot be worked in: ${error.message}`;
      const fault = {
        path: options.spool,
        found,
        expected: "room on disk and free file descriptors",
        mend: null,
      };
      return { taken, more: false, faults: [fault] };
    }
    return { taken, more: hasMore(), faults };
  }

  function hasMore(): boolean {
    return unread.length > 0 || backlog.first() !== undefined;
  }

  /** Takes up what an earlier daemon left. */
  function start(): RefusedFolder {
    verdicts.learn(clock());
    discardLeftovers(files, claimed);
    const kept = openRefused(files, refused);
    unread = [];
    for (const { name } of movedFiles(files, claimed).reverse()) {
      // An old verdict of the name was removed before the claim: one that is there answers this event.
      if (verdicts.has(name)) finish(kept, name, readNamed(name)?.type === "refusal");
      else unread.push(name);
    }
    return kept;
  }

  function claimNext(): Taken | null {
    const file = backlog.first();
    if (file === undefined) return null;
    // A shortage throws, and leaves the file first in the backlog.
    const taken = claimOne(file);
    backlog.drop();
    return taken;
  }

  function claimOne(file: WaitingFile): Taken | null {
    const { name, path, changedAt } = file;
    if (underWay.has(name)) {
      waiting.add(name);
      return null;
    }
    if (unclaimable.get(name) === changedAt) return null;
    verdicts.remove(name);
    const outcome = claim(files, file, claimed);
    unclaimable.delete(name);
    if (outcome === "gone") return null;
    if (outcome !== "claimed") {
      unclaimable.set(name, changedAt);
      return { name, refusal: outcome };
    }
    if (typeof path === "string") {
      unread.push(name);
      return null;
    }
    underWay.set(name, NO_EVENT);
    return {
      name,
      refusal: refusal(null, "the file's name is not UTF-8, and no verdict can be called the same"),
    };
  }

  function readNext(): Taken | null {
    const name = unread.at(-1) ?? "";
    const read = readNamed(name);
    unread.pop();
    if (read === null) return null;
    if (read.type === "refusal") {
      underWay.set(name, NO_EVENT);
      return { name, refusal: read };
    }
    underWay.set(name, { isRefused: false, life: options.lifeOf(read) });
    return { name, event: read };
  }

  /** null: it is gone. */
  function readNamed(name: string): SpoolEvent | Refusal | null {
    const file = readBounded(files, join(claimed, name));
    if (file === "gone") return null;
    return file.type === "bytes" ? parseEvent(name, file.bytes, file.writtenAt) : file;
  }

  function settle(name: string): void {
    finish(refusedFiles, name, underWay.get(name)?.isRefused ?? false);
    underWay.delete(name);
    if (waiting.delete(name)) onFree();
  }

  function finish(kept: RefusedFolder | null, name: string, isRefused: boolean): void {
    try {
      if (isRefused && kept !== null) kept.keep(join(claimed, name), name);
      else discard(files, claimed, name);
    } catch (error) {
      if (errnoName(error) === null) throw error;
      const message = `cannot put away the answered event ${join(claimed, name)}: ${kernelWords(error)}`;
      onTrouble({ message, cause: error });
    }
  }

  return {
    take,
    answer: (verdict) => verdicts.write(verdict, clock(), underWay.get(verdict.event)?.life ?? null),
    get unwritten() {
      return verdicts.unwritten;
    },
    isAnswered: verdicts.has,
    sweep: () => verdicts.sweep(clock()),
  };
}

function folderFaults(files: Files, options: SpoolOptions, claimed: string, refused: string): FolderFault[] {
  const { spool, results, state, owner } = options;
  const own = makeFolder(files, { path: spool, access: "private" }, owner);
  const faults = [
    own,
    // In a spool at fault nothing is made: it may be a link to anywhere.
    own === null ? makeFolder(files, { path: claimed, access: "private" }, owner) : null,
    own === null ? makeFolder(files, { path: refused, access: "private" }, owner) : null,
    makeFolder(files, { path: results, access: "readable" }, owner),
    folderFault(files, { path: state, access: "private" }, owner),
  ];
  return faults.filter((fault) => fault !== null);
}
