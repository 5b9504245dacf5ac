import { Database } from "bun:sqlite";
import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { type Copies, copiesIn } from "./copies.ts";
import {
  checkPages,
  checkRows,
  connectTo,
  freeName,
  hasLoss,
  initialize,
  noteLoss,
  readRows,
  SCHEMA_VERSION,
  whyNotOurs,
  writerOver,
} from "./journal-file.ts";

/** What a journal's entries are true of, and of nothing else. */
export interface JournalOwner {
  /** /proc/sys/kernel/random/boot_id: namespaces, ifindexes and cookies live no longer. */
  readonly bootId: string;
  /** SO_NETNS_COOKIE of the namespace that the daemon was started in. */
  readonly homeCookie: string;
}

/** What was there, what is intended, what came of it: on record before anything is touched. */
export interface Journal extends Disposable {
  /** What was on record when the journal was opened. */
  readonly attachments: readonly Attachment[];
  /** Puts a new Attachment on record. */
  add(attachment: Attachment): void;
  /** Puts on record what an Attachment is now, its devices aside. */
  update(attachment: Attachment): void;
  /** Puts on record what the device `at` of an Attachment is now. */
  updateDevice(key: number, at: number, device: AttachedDevice): void;
  /** Forgets an Attachment: its devices are home. */
  delete(key: number): void;
  /** Throws where it can no longer be read, or where another process keeps it from being written. */
  check(): void;
}

/** A journal that was not as it should be. */
export interface SetAside {
  readonly reason: string;
  /** Where it lies as it was found; null: it is not there any more. */
  readonly path: string | null;
  /** How many Attachments were taken from their copies. */
  readonly fromCopies: number;
}

/** An open journal. */
export interface OpenedJournal {
  readonly journal: Journal;
  readonly setAside: SetAside | null;
  /**
   * Whether all that was begun in this boot is on record. Where it is not, a pinned namespace that nobody
   * accounts for may hold devices, and has to be left alone.
   */
  readonly isWhole: boolean;
}

const FILE = "journal.db";
const COPIES = "copies";

/**
 * Opens the journal of a state folder, made if it is not there.
 *
 * One of another boot, another home or a later version is put aside under a name that says so, and never
 * guessed from. Of one that is damaged what can be read is kept, and the rest is taken from its copies.
 * Throws an SQLiteError where none can be made: a full or read-only disk.
 *
 * @param pinned cookies of the namespaces that earlier daemons pinned: there was a journal
 */
export function openJournal(
  folder: string,
  owner: JournalOwner,
  pinned: readonly string[] = [],
): OpenedJournal {
  const path = join(folder, FILE);
  const copies = copiesIn(join(folder, COPIES), owner, SCHEMA_VERSION);
  const looked = look(path, owner);
  switch (looked.is) {
    case "good":
      return opened(looked.database, copies, null);
    case "damaged":
      return mended(folder, looked.database, looked.damaged, copies);
    case "foreign": {
      const { reason } = looked;
      const aside = putAside(folder, [FILE, COPIES]);
      const database = begun(path, owner, [], reason);
      return opened(database, copies, { reason, path: aside, fromCopies: 0 });
    }
    case "unreadable": {
      const reason = `it cannot be read: ${looked.reason}`;
      const aside = putAside(folder, [FILE]);
      return replaced(path, owner, copies, reason, aside);
    }
    case "missing": {
      if (pinned.length + copies.read().length > 0) {
        return replaced(path, owner, copies, "it is not there, and what it was about is", null);
      }
      return opened(begun(path, owner, [], null), copies, null);
    }
  }
}

/** What there is to say of a journal that was not as it should be, to a person. */
export function setAsideText({ reason, path, fromCopies }: SetAside): string {
  const where = path === null ? "" : `; as it was it is kept as ${path}`;
  const what =
    fromCopies === 0 ? "nothing of that is" : `${fromCopies} of what it held, by their copies, are`;
  return `the journal was not as it should be: ${reason}${where}; ${what} acted upon`;
}

/** What the journal of this boot in a state folder holds, for whoever only looks; nothing where there is none. */
export function readJournal(folder: string): readonly Attachment[] {
  const path = join(folder, FILE);
  if (!existsSync(path)) return [];
  try {
    using database = new Database(path, { readonly: true, strict: true });
    const owner = database.query<{ boot_id: string }, []>("SELECT boot_id FROM owner").get();
    return owner?.boot_id === bootId() ? readRows(database).attachments : [];
  } catch {
    return [];
  }
}

/** The boot that this machine is in. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** What is under the journal's path. */
type Looked =
  | { readonly is: "missing" }
  | { readonly is: "foreign" | "unreadable"; readonly reason: string }
  | { readonly is: "good"; readonly database: Database }
  | { readonly is: "damaged"; readonly database: Database; readonly damaged: ReadonlyMap<number, string> };

function look(path: string, owner: JournalOwner): Looked {
  if (!existsSync(path)) return { is: "missing" };
  let database: Database | null = null;
  try {
    database = connectTo(path);
    checkPages(database);
    const reason = whyNotOurs(database, owner);
    if (reason !== null) {
      database.close();
      return { is: "foreign", reason };
    }
    const { damaged } = readRows(database);
    return damaged.size === 0 ? { is: "good", database } : { is: "damaged", database, damaged };
  } catch (error) {
    database?.close();
    return { is: "unreadable", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A new journal in the place of one that says nothing any more, with what the copies tell. */
function replaced(
  path: string,
  owner: JournalOwner,
  copies: Copies,
  reason: string,
  aside: string | null,
): OpenedJournal {
  const known = copies.read();
  return opened(begun(path, owner, known, reason), copies, { reason, path: aside, fromCopies: known.length });
}

/** A journal of which some Attachments are damaged: these from their copies, or taken out of it. */
function mended(
  folder: string,
  database: Database,
  damaged: ReadonlyMap<number, string>,
  copies: Copies,
): OpenedJournal {
  const aside = freeName(join(folder, `${FILE}.set-aside`));
  copyFileSync(join(folder, FILE), aside);
  const known = copies.read().filter(({ key }) => damaged.has(key));
  const what = Array.from(damaged, ([key, why]) => `${key}: ${why}`).join("; ");
  const reason = `it cannot be read in part: attachment ${what}`;
  const writer = writerOver(database);
  const mend = database.transaction(() => {
    for (const key of damaged.keys()) writer.delete(key);
    for (const attachment of known) writer.add(attachment);
    if (known.length < damaged.size) noteLoss(database, reason);
  });
  mend();
  return opened(database, copies, { reason, path: aside, fromCopies: known.length });
}

/** A new journal that holds these, and where it has to, why that may not be all. */
function begun(
  path: string,
  owner: JournalOwner,
  attachments: readonly Attachment[],
  loss: string | null,
): Database {
  const database = connectTo(path);
  initialize(database, owner);
  const writer = writerOver(database);
  for (const attachment of attachments) writer.add(attachment);
  if (loss !== null) noteLoss(database, loss);
  return database;
}

function opened(database: Database, copies: Copies, setAside: SetAside | null): OpenedJournal {
  const { attachments } = readRows(database);
  copies.renew(attachments);
  const writer = writerOver(database);
  const journal: Journal = {
    attachments,
    add(attachment) {
      writer.add(attachment);
      copies.put(attachment);
    },
    update(attachment) {
      writer.update(attachment);
      copies.put(attachment);
    },
    updateDevice: writer.updateDevice,
    delete(key) {
      copies.delete(key);
      writer.delete(key);
    },
    check: () => checkRows(database),
    [Symbol.dispose]() {
      database.close();
    },
  };
  return { journal, setAside, isWhole: !hasLoss(database) };
}

/** Gives a file of the state folder, with all that SQLite keeps beside it, a name of its own; gives that name. */
function putAside(folder: string, names: readonly string[]): string {
  const aside = freeName(join(folder, `${FILE}.set-aside`));
  for (const name of names) {
    const to = name === FILE ? aside : `${aside}-${name}`;
    for (const suffix of ["", "-journal", "-wal", "-shm"]) {
      const from = join(folder, name + suffix);
      if (existsSync(from)) renameSync(from, to + suffix);
    }
  }
  return aside;
}
