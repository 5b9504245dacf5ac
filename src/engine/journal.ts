import { Database } from "bun:sqlite";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Attachment } from "../domain/attachment.ts";
import { parseAttachment } from "./attachment-schema.ts";

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
  /** Puts an Attachment on record in place of what was there of it. */
  put(attachment: Attachment): void;
  /** Forgets an Attachment: its devices are home. */
  delete(key: number): void;
}

/** Why a journal that was there was put aside, and under which name. */
export interface SetAside {
  readonly reason: string;
  readonly path: string;
}

const SCHEMA_VERSION = 1;
const FILE = "journal.db";

/**
 * Opens the journal of a state folder, made if it is not there.
 *
 * One of another boot, another home or a later version is put aside under a name that says so, and never
 * guessed from; one that cannot be read as well. Throws an SQLiteError where none can be made: a full or
 * read-only disk.
 */
export function openJournal(
  folder: string,
  owner: JournalOwner,
): { readonly journal: Journal; readonly setAside: SetAside | null } {
  const path = join(folder, FILE);
  if (!existsSync(path)) return { journal: create(path, owner), setAside: null };
  const reason = whyNotOurs(path, owner);
  if (reason === null) return { journal: open(path), setAside: null };
  const aside = freeName(`${path}.set-aside`);
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return { journal: create(path, owner), setAside: { reason, path: aside } };
}

/** What the journal of a state folder holds, for whoever only looks; nothing where it cannot be read. */
export function readJournal(folder: string): readonly Attachment[] {
  const path = join(folder, FILE);
  if (!existsSync(path)) return [];
  try {
    using database = new Database(path, { readonly: true, strict: true });
    return read(database);
  } catch {
    return [];
  }
}

/** The boot that this machine is in. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function connectTo(path: string): Database {
  const database = new Database(path, { create: true, strict: true });
  // The journal has to outlive the daemon and not the machine: what is in the page cache survives a SIGKILL,
  // and a write-ahead log one in the middle of a write.
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = OFF");
  return database;
}

function create(path: string, owner: JournalOwner): Journal {
  const database = connectTo(path);
  database.run("CREATE TABLE owner (schema_version INTEGER, boot_id TEXT, home_cookie TEXT) STRICT");
  database.run("CREATE TABLE attachment (key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT");
  database.run("INSERT INTO owner VALUES (?, ?, ?)", [SCHEMA_VERSION, owner.bootId, owner.homeCookie]);
  return journalOver(database);
}

function open(path: string): Journal {
  return journalOver(connectTo(path));
}

/** Why the journal at `path` says nothing about this boot and this home; null where it does. */
function whyNotOurs(path: string, owner: JournalOwner): string | null {
  let database: Database | null = null;
  try {
    database = connectTo(path);
    const row: unknown = database.query("SELECT schema_version, boot_id, home_cookie FROM owner").get();
    if (row === null || typeof row !== "object") return "it does not say whose it is";
    const is = Object.values(row);
    if (is[0] !== SCHEMA_VERSION) return `it has version ${is[0]}, and this program knows ${SCHEMA_VERSION}`;
    if (is[1] !== owner.bootId) return "it is of another boot of the machine";
    if (is[2] !== owner.homeCookie) return "it was kept by a daemon of another network namespace";
    read(database);
    return null;
  } catch (error) {
    return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    database?.close();
  }
}

function read(database: Database): Attachment[] {
  const rows = database.query<{ body: string }, []>("SELECT body FROM attachment ORDER BY key").all();
  return rows.map(({ body }) => parseAttachment(JSON.parse(body)));
}

function journalOver(database: Database): Journal {
  const put = database.query("INSERT OR REPLACE INTO attachment VALUES (?, ?)");
  const remove = database.query("DELETE FROM attachment WHERE key = ?");
  return {
    attachments: read(database),
    put(attachment) {
      put.run(attachment.key, JSON.stringify(attachment));
    },
    delete(key) {
      remove.run(key);
    },
    [Symbol.dispose]() {
      database.close();
    },
  };
}

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}-${number}`;
    if (!existsSync(name)) return name;
  }
}
