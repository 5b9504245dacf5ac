import type { Attachment } from "../../../src/domain/attachment.ts";
import { parseAttachment } from "../../../src/engine/attachment-schema.ts";
import type { Journal } from "../../../src/engine/journal.ts";
import { parseReturned, type ReturnedDevices } from "../../../src/engine/returned.ts";

/** What a journal holds of an attachment, and by itself of each of its devices: JSON. */
export interface Row {
  readonly head: string;
  readonly devices: readonly string[];
}

/** Rows by key. They outlive the daemons that write them. */
export type Rows = Map<number, Row>;

/** A Journal in memory, which keeps and reads what the real one keeps. */
export function memoryJournal(rows: Rows): Journal {
  const put = (attachment: Attachment, devices: readonly string[]) => {
    rows.set(attachment.key, { head: JSON.stringify({ ...attachment, devices: [] }), devices });
  };
  return {
    attachments: attachmentsOf(rows),
    add: (attachment) =>
      put(
        attachment,
        attachment.devices.map((device) => JSON.stringify(device)),
      ),
    update: (attachment) => put(attachment, rows.get(attachment.key)?.devices ?? []),
    updateDevice(key, at, device) {
      const row = rows.get(key);
      if (row !== undefined) rows.set(key, { ...row, devices: row.devices.with(at, JSON.stringify(device)) });
    },
    delete: (key) => rows.delete(key),
    check: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
}

/** The record in memory of devices that came home a moment ago; JSON by ifindex. */
export function memoryReturned(rows: Map<number, string>): ReturnedDevices {
  return {
    put: (key, entry) => void rows.set(key, JSON.stringify(entry)),
    delete: (key) => void rows.delete(key),
    read: () => Array.from(rows.values(), (row) => parseReturned(JSON.parse(row))),
    keepOnly(keys) {
      for (const key of rows.keys()) if (!keys.includes(key)) rows.delete(key);
    },
  };
}

/** The attachments that are on record, parsed and not trusted. */
export function attachmentsOf(rows: Rows): Attachment[] {
  return Array.from(rows.values(), ({ head, devices }) =>
    parseAttachment({ ...JSON.parse(head), devices: devices.map((device) => JSON.parse(device)) }),
  );
}
