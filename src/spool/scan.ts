import { join } from "node:path";
import type { Files } from "./files.ts";

/** The name of an event file, as the folder has it. */
export interface EventName {
  /** What the verdict is called. */
  readonly name: string;
  /** The path to rename the file by: bytes where the name is no UTF-8, and `name` is its escaped form. */
  readonly path: string | Buffer;
}

/** An event file with what its place in the order depends on. */
export interface WaitingFile extends EventName {
  /** ctime, nanoseconds: when it was renamed to here. */
  readonly changedAt: bigint;
  /** mtime, nanoseconds. */
  readonly writtenAt: bigint;
}

/** Whether a file of this name is an event: `*.json`, but for names that begin with "." */
export function isEventName(name: string): boolean {
  return name.endsWith(".json") && !name.startsWith(".");
}

/** The event files in `folder`, in no order. */
export function listEvents(files: Files, folder: string): EventName[] {
  const names = files.readdirSync(folder);
  // U+FFFD stands in the place of bytes that are no UTF-8; few names have it for any other reason.
  if (names.some((name) => name.includes("\ufffd"))) return listRawEvents(files, folder);
  return names.filter(isEventName).map((name) => ({ name, path: join(folder, name) }));
}

function listRawEvents(files: Files, folder: string): EventName[] {
  return files.readdirSync(folder, { encoding: "buffer" }).flatMap((bytes) => {
    const text = bytes.toString();
    const exact = Buffer.from(text).equals(bytes);
    const name = exact ? text : escaped(bytes);
    if (!isEventName(name)) return [];
    return [{ name, path: exact ? join(folder, text) : Buffer.concat([Buffer.from(`${folder}/`), bytes]) }];
  });
}

// Percent-escapes are three times as long, and a name has 255 bytes at most: the end, ".json", is kept.
function escaped(bytes: Buffer): string {
  const text = Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, "0")}`,
  ).join("");
  return text.length <= 255 ? text : `${text.slice(0, 200)}${text.slice(-55)}`;
}

/** `event` with its times, or null where it is gone. */
export function lookAt(files: Files, event: EventName): WaitingFile | null {
  const stats = files.lstatSync(event.path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? null : { ...event, changedAt: stats.ctimeNs, writtenAt: stats.mtimeNs };
}

/** The order in which events are taken: change time, then name. */
export function byChange(a: WaitingFile, b: WaitingFile): number {
  return compare(a.changedAt, b.changedAt) || compare(a.name, b.name);
}

/**
 * The files called like events that netdevd itself moved into `folder`, oldest first.
 *
 * The move made their change time, and files moved within one tick of the kernel's clock share it (before
 * Linux 6.13 all of them), so that the time of writing comes before the name.
 */
export function movedFiles(files: Files, folder: string): WaitingFile[] {
  return listEvents(files, folder)
    .map((event) => lookAt(files, event))
    .filter((file) => file !== null)
    .sort(
      (a, b) =>
        compare(a.changedAt, b.changedAt) || compare(a.writtenAt, b.writtenAt) || compare(a.name, b.name),
    );
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
