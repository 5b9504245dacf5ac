import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import type { Journal } from "./journal.ts";

/**
 * The Attachments that are, in memory and in the journal alike. Every change goes through here, and is on
 * record before it is known to anybody.
 */
export interface Registry {
  all(): readonly Attachment[];
  get(key: number): Attachment | null;
  /** Those that `id` is a holder of. */
  ofHolder(id: string): readonly Attachment[];
  /** Those in one namespace. */
  inNamespace(cookie: string): readonly Attachment[];
  /** Puts a new Attachment on record. Throws what the journal throws, and then nothing has changed. */
  add(attachment: Omit<Attachment, "key">): Attachment;
  /** Changes one; gives what it is now. What the journal throws is told to `onJournalError` alone. */
  update(key: number, change: Partial<Omit<Attachment, "key" | "devices">>): Attachment;
  /** Changes one device of one. */
  updateDevice(key: number, at: number, change: Partial<AttachedDevice>): Attachment;
  remove(key: number): void;
  /** Whether the journal tells of an Attachment what is so; else the next daemon would begin from less. */
  isOnRecord(key: number): boolean;
  /** Tries again to put on record what could not be; for whoever comes by now and then. */
  catchUp(): void;
}

/**
 * A Registry that begins with what the journal holds.
 *
 * @param onWrite told after each write whether it failed, and with what. For Attachments that are there already
 *   that is all: their devices are moved all the same, for a device must come home even where nobody can take
 *   notes
 */
export function createRegistry(journal: Journal, onWrite: (error: Error | null) => void): Registry {
  const attachments = new Map<number, Attachment>();
  const byHolder = new Map<string, Set<number>>();
  /** Keys of which the journal tells what is no more so: what stays there, the next daemon takes for true. */
  const owed = new Set<number>();
  for (const attachment of journal.attachments) keep(attachment);
  let lastKey = Math.max(0, ...attachments.keys());

  function keep(attachment: Attachment): void {
    forget(attachment.key);
    attachments.set(attachment.key, attachment);
    for (const { id } of attachment.holders) {
      byHolder.set(id, (byHolder.get(id) ?? new Set()).add(attachment.key));
    }
  }

  function forget(key: number): void {
    for (const { id } of attachments.get(key)?.holders ?? []) {
      const keys = byHolder.get(id);
      keys?.delete(key);
      if (keys?.size === 0) byHolder.delete(id);
    }
    attachments.delete(key);
  }

  function get(key: number): Attachment {
    const attachment = attachments.get(key);
    if (attachment === undefined) throw new Error(`attachment ${key} is not there`);
    return attachment;
  }

  function pay(key: number): void {
    const attachment = attachments.get(key);
    if (attachment === undefined) journal.delete(key);
    else journal.add(attachment);
    owed.delete(key);
  }

  /** @param key what is owed where it fails; null: nothing more than before */
  function write(key: number | null, put: () => void): Error | null {
    try {
      for (const other of Array.from(owed)) pay(other);
      put();
      onWrite(null);
      return null;
    } catch (cause) {
      if (key !== null) owed.add(key);
      const error = cause instanceof Error ? cause : new Error(String(cause));
      onWrite(error);
      return error;
    }
  }

  function update(key: number, change: Partial<Omit<Attachment, "key" | "devices">>): Attachment {
    const attachment = { ...get(key), ...change };
    write(key, () => journal.update(attachment));
    keep(attachment);
    return attachment;
  }

  return {
    all: () => Array.from(attachments.values()),
    get: (key) => attachments.get(key) ?? null,
    ofHolder: (id) => Array.from(byHolder.get(id) ?? [], get),
    inNamespace: (cookie) =>
      Array.from(attachments.values()).filter((attachment) => attachment.cookie === cookie),
    add(fields) {
      lastKey += 1;
      const attachment = { ...fields, key: lastKey };
      const error = write(lastKey, () => journal.add(attachment));
      if (error !== null) throw error;
      keep(attachment);
      return attachment;
    },
    update,
    updateDevice(key, at, change) {
      const { devices, ...head } = get(key);
      const changed = devices.map((device, index) => (index === at ? { ...device, ...change } : device));
      const device = changed[at];
      if (device !== undefined) write(key, () => journal.updateDevice(key, at, device));
      const attachment = { ...head, devices: changed };
      keep(attachment);
      return attachment;
    },
    isOnRecord: (key) => !owed.has(key),
    catchUp() {
      if (owed.size > 0) write(null, () => undefined);
    },
    remove(key) {
      forget(key);
      write(key, () => journal.delete(key));
    },
  };
}
