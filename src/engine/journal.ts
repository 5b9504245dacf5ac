import { Database } from "bun:sqlite";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
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
  /** Puts a new Attachment on record. */
  add(attachment: Attachment): void;
  /** Puts on record what an Attachment is now, its devices aside. */
  update(attachment: Attachment): void;
  /** Puts on record what the device `at` of an Attachment is now. */
  updateDevice(key: number, at: number, device: AttachedDevice): void;
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

/** What the journal of this boot in a state folder holds, for whoever only looks; nothing where there is none. */
export function readJournal(folder: string): readonly Attachment[] {
  const path = join(folder, FILE);
  if (!existsSync(path)) return [];
  try {
    using database = new Database(path, { readonly: true, strict: true });
    const owner = database.query<{ boot_id: string }, []>("SELECT boot_id FROM owner").get();
    return owner?.boot_id === bootId() ? read(database) : [];
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
  // By itself: with 64 devices to one attachment, each step would write all of them anew.
  database.run(
    "CREATE TABLE device (attachment INTEGER, at INTEGER, body TEXT NOT NULL, PRIMARY KEY (attachment, at)) STRICT",
  );
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
  const attachments = database.query<Row, []>("SELECT key, body FROM attachment ORDER BY key").all();
  const devices = database.query<Row, [number]>("SELECT body FROM device WHERE attachment = ? ORDER BY at");
  return attachments.map(({ key, body }) =>
    parseAttachment({
      ...JSON.parse(body),
      devices: devices.all(key).map((device) => JSON.parse(device.body)),
    }),
  );
}

interface Row {
  readonly key: number;
  readonly body: string;
}

function journalOver(database: Database): Journal {
  const putHead = database.query("INSERT OR REPLACE INTO attachment VALUES (?, ?)");
  const putDevice = database.query("INSERT OR REPLACE INTO device VALUES (?, ?, ?)");
  const deleteHead = database.query("DELETE FROM attachment WHERE key = ?");
  const deleteDevices = database.query("DELETE FROM device WHERE attachment = ?");

  function update(attachment: Attachment): void {
    const { devices: _, ...head } = attachment;
    putHead.run(attachment.key, JSON.stringify(head));
  }

  function updateDevice(key: number, at: number, device: AttachedDevice): void {
    putDevice.run(key, at, JSON.stringify(device));
  }

  return {
    attachments: read(database),
    add: database.transaction((attachment: Attachment) => {
      update(attachment);
      for (const [at, device] of attachment.devices.entries()) updateDevice(attachment.key, at, device);
    }),
    update,
    updateDevice,
    delete: database.transaction((key: number) => {
      deleteHead.run(key);
      deleteDevices.run(key);
    }),
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
