import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { parseAttachment } from "./attachment-schema.ts";
import type { Journal, JournalOwner } from "./journal.ts";

/** What tables and rows are; a journal of another version is not read. */
export const SCHEMA_VERSION = 1;
/** Somebody who only looks (`netdevd plan`) reads for less than a millisecond. */
const BUSY_TIMEOUT_MS = 2000;

/** What could be read of a journal's rows. */
export interface Rows {
  readonly attachments: readonly Attachment[];
  /** Keys of the Attachments of which something is damaged or missing, and what. */
  readonly damaged: ReadonlyMap<number, string>;
}

/** A {@link Journal} without its copies. */
export type Writer = Pick<Journal, "add" | "update" | "updateDevice" | "delete">;

interface Row {
  readonly key: number;
  readonly at: number;
  readonly body: string;
}

/**
 * Connects to the journal at `path`, made if it is not there.
 *
 * It has to outlive the daemon and not the machine, so that nothing is synced: what is in the page cache
 * survives a SIGKILL. A rollback journal undoes a write that was cut off. A write-ahead log would be faster,
 * and is a second file: without it SQLite opens what was there before it, and says nothing.
 */
export function connectTo(path: string): Database {
  const database = new Database(path, { create: true, strict: true });
  database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.run("PRAGMA journal_mode = TRUNCATE");
  database.run("PRAGMA synchronous = OFF");
  return database;
}

/** Makes the tables of a journal that is new. */
export function initialize(database: Database, owner: JournalOwner): void {
  const make = database.transaction(() => {
    database.run("CREATE TABLE owner (schema_version INTEGER, boot_id TEXT, home_cookie TEXT) STRICT");
    database.run("CREATE TABLE attachment (key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT");
    // By itself: with 64 devices to one attachment, each step would write all of them anew.
    database.run(
      "CREATE TABLE device (attachment INTEGER, at INTEGER, body TEXT NOT NULL, PRIMARY KEY (attachment, at)) STRICT",
    );
    database.run("CREATE TABLE loss (reason TEXT) STRICT");
    database.run("INSERT INTO owner VALUES (?, ?, ?)", [SCHEMA_VERSION, owner.bootId, owner.homeCookie]);
  });
  make();
}

/** Why a journal says nothing about this boot and this home; null where it does. Throws where it is no journal. */
export function whyNotOurs(database: Database, owner: JournalOwner): string | null {
  const row: unknown = database.query("SELECT schema_version, boot_id, home_cookie FROM owner").get();
  if (row === null || typeof row !== "object") throw new Error("it does not say whose it is");
  const is = Object.values(row);
  if (is[0] !== SCHEMA_VERSION) return `it has version ${is[0]}, and this program knows ${SCHEMA_VERSION}`;
  if (is[1] !== owner.bootId) return "it is of another boot of the machine";
  if (is[2] !== owner.homeCookie) return "it was kept by a daemon of another network namespace";
  return null;
}

/**
 * Notes that something which was on record in this boot is not known any more: a namespace that is held and
 * that nobody accounts for may have devices in it from now on.
 */
export function noteLoss(database: Database, reason: string): void {
  database.run("CREATE TABLE IF NOT EXISTS loss (reason TEXT) STRICT");
  database.run("INSERT INTO loss VALUES (?)", [reason]);
}

/** Whether a loss was ever noted; see {@link noteLoss}. */
export function hasLoss(database: Database): boolean {
  const table = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'loss'").get();
  return table !== null && database.query("SELECT 1 FROM loss").get() !== null;
}

/** Throws where pages of the database are damaged: rows that it gives may be old ones, or not all. */
export function checkPages(database: Database): void {
  const row: unknown = database.query("PRAGMA quick_check(1)").get();
  const [verdict] = row !== null && typeof row === "object" ? Object.values(row) : [];
  if (verdict !== "ok") throw new Error(String(verdict));
}

/** All rows, each by itself: one that is damaged takes no other with it. */
export function readRows(database: Database): Rows {
  const heads = database.query<Row, []>("SELECT key, body FROM attachment ORDER BY key").all();
  const devices = Map.groupBy(
    database.query<Row, []>("SELECT attachment AS key, at, body FROM device ORDER BY attachment, at").all(),
    ({ key }) => key,
  );
  const attachments: Attachment[] = [];
  const damaged = new Map<number, string>();
  for (const { key, body } of heads) {
    try {
      attachments.push(attachmentOf(key, body, devices.get(key) ?? []));
    } catch (error) {
      damaged.set(key, error instanceof Error ? error.message : String(error));
    }
    devices.delete(key);
  }
  for (const key of devices.keys()) damaged.set(key, "there are its devices alone");
  return { attachments, damaged };
}

function attachmentOf(key: number, body: string, rows: readonly Row[]): Attachment {
  const { device_count: count, ...head } = JSON.parse(body);
  const gap = rows.findIndex(({ at }, index) => at !== index);
  if (gap >= 0 || (count !== undefined && count !== rows.length)) {
    throw new Error(`${rows.length} of its ${count ?? "?"} devices are there`);
  }
  const attachment = parseAttachment({ ...head, devices: rows.map((row) => JSON.parse(row.body)) });
  if (attachment.key !== key) throw new Error(`it says that it is number ${attachment.key}`);
  return attachment;
}

/** What a journal's changes write. */
export function writerOver(database: Database): Writer {
  const putHead = database.query("INSERT OR REPLACE INTO attachment VALUES (?, ?)");
  const putDevice = database.query("INSERT OR REPLACE INTO device VALUES (?, ?, ?)");
  const deleteHead = database.query("DELETE FROM attachment WHERE key = ?");
  const deleteDevices = database.query("DELETE FROM device WHERE attachment = ?");

  function update(attachment: Attachment): void {
    const { devices, ...head } = attachment;
    putHead.run(attachment.key, JSON.stringify({ ...head, device_count: devices.length }));
  }

  function updateDevice(key: number, at: number, device: AttachedDevice): void {
    putDevice.run(key, at, JSON.stringify(device));
  }

  return {
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
  };
}

/**
 * Throws where the rows cannot be read, or where another process keeps them from being written. Writes nothing: a
 * disk that is full is told otherwise.
 */
export function checkRows(database: Database): void {
  const count = database.query("SELECT count(*) FROM attachment");
  database.transaction(() => void count.get()).immediate();
}

/** A name that is not used yet, for what lies at `path`. */
export function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}-${number}`;
    if (!existsSync(name)) return name;
  }
}
