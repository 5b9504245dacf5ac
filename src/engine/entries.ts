import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { JournalOwner } from "./journal.ts";

/** Entries about this boot and this home, each by a number in a file of its own that a person can read. */
export interface Entries<Entry> {
  /** Writes one whole or not at all: where that cannot be, there is none, which is better than one that is not true. */
  put(key: number, entry: Entry): void;
  delete(key: number): void;
  /** Those that can be read, in the order of their numbers. */
  read(): readonly Entry[];
  /** Takes away all but these. */
  keepOnly(keys: readonly number[]): void;
}

/** What entries of one kind are. */
export interface EntryKind<Entry> {
  /** What the files call it. */
  readonly member: string;
  readonly version: number;
  /** Throws for what is none. */
  readonly parse: (value: unknown) => Entry;
  readonly keyOf: (entry: Entry) => number;
}

const envelope = v.looseObject({ version: v.number(), boot_id: v.string(), home_cookie: v.string() });

/** Entries in `folder`, which is made when it is needed. */
export function entriesIn<Entry>(
  folder: string,
  owner: JournalOwner,
  { member, version, parse, keyOf }: EntryKind<Entry>,
): Entries<Entry> {
  const nameOf = (key: number) => `${key}.json`;
  const pathOf = (key: number) => join(folder, nameOf(key));

  function take(name: string): Entry[] {
    try {
      const found = v.parse(envelope, JSON.parse(readFileSync(join(folder, name), "utf8")));
      const isOurs =
        found.version === version && found.boot_id === owner.bootId && found.home_cookie === owner.homeCookie;
      const entry = parse(found[member]);
      return isOurs && name === nameOf(keyOf(entry)) ? [entry] : [];
    } catch {
      // Cut off, or not what we write.
      return [];
    }
  }

  function remove(key: number): void {
    try {
      unlinkSync(pathOf(key));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }

  return {
    put(key, entry) {
      const draft = `${pathOf(key)}.tmp`;
      const { bootId, homeCookie } = owner;
      const file = { version, boot_id: bootId, home_cookie: homeCookie, [member]: entry };
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(draft, JSON.stringify(file), { mode: 0o600 });
        renameSync(draft, pathOf(key));
      } catch {
        rmSync(draft, { recursive: true, force: true });
        remove(key);
      }
    },
    delete: remove,
    read: () =>
      filesIn(folder)
        .flatMap(take)
        .toSorted((a, b) => keyOf(a) - keyOf(b)),
    keepOnly(keys) {
      const names = new Set(keys.map(nameOf));
      for (const name of filesIn(folder)) if (!names.has(name)) rmSync(join(folder, name), { force: true });
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not made yet: then there are none.
    return [];
  }
}
