import { existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Verdict } from "../domain/verdict.ts";
import { errnoName } from "./files.ts";
import { verdictSchema } from "./verdict-schema.ts";

/** The folders that events and verdicts go through. */
export interface Folders {
  readonly spool: string;
  readonly results: string;
}

/** An event that was dropped into the spool, for whoever waits for its answer. */
export interface Dropped {
  /** The verdict, once it is there. */
  verdict(): Verdict | null;
  /** Takes the event back; false where a daemon has taken it already, and will answer. */
  withdraw(): boolean;
}

/**
 * Drops an event as a daemon expects it: written beside, then renamed in. Throws what the kernel says where
 * the spool cannot be written to.
 *
 * @param name `*.json`, a name that was never used
 */
export function drop(folders: Folders, name: string, record: string | Uint8Array): Dropped {
  const path = join(folders.spool, name);
  const draft = join(folders.spool, `.${name}.tmp`);
  try {
    writeFileSync(draft, record, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (error) {
    remove(draft);
    throw error;
  }
  const answer = join(folders.results, name);
  return {
    // A verdict is renamed into place, so that one which is there is whole.
    verdict: () =>
      existsSync(answer) ? v.parse(verdictSchema, JSON.parse(readFileSync(answer, "utf8"))) : null,
    withdraw: () => remove(path),
  };
}

/** false: it was not there. */
function remove(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errnoName(error) === "ENOENT") return false;
    throw error;
  }
}
