import type { Attachment } from "../../../src/domain/attachment.ts";
import { parseAttachment } from "../../../src/engine/attachment-schema.ts";
import type { Journal } from "../../../src/engine/journal.ts";

/** What a journal holds, by key. It outlives the daemons that write to it. */
export type Rows = Map<number, Attachment>;

/** A Journal in memory, which keeps and reads what the real one keeps. */
export function memoryJournal(rows: Rows): Journal {
  const keep = (attachment: Attachment) => {
    rows.set(attachment.key, parseAttachment(JSON.parse(JSON.stringify(attachment))));
  };
  return {
    attachments: Array.from(rows.values()),
    add: keep,
    update(attachment) {
      const devices = rows.get(attachment.key)?.devices ?? [];
      keep({ ...attachment, devices });
    },
    updateDevice(key, at, device) {
      const attachment = rows.get(key);
      if (attachment !== undefined) keep({ ...attachment, devices: attachment.devices.with(at, device) });
    },
    delete: (key) => rows.delete(key),
    [Symbol.dispose]: () => undefined,
  };
}
