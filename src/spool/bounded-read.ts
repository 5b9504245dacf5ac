import { constants } from "node:fs";
import { errnoName, type Files, isShortage, kernelWords, kindOf } from "./files.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** A longer file is no event. */
export const MAX_BYTES = 1024 * 1024;

/** What a file holds. */
export interface FileBytes {
  readonly type: "bytes";
  readonly bytes: Uint8Array;
  /** mtime: CLOCK_REALTIME, milliseconds with their fraction. */
  readonly writtenAt: number;
}

/**
 * What the regular file at `path` holds, up to `limit` bytes; "gone" where nothing is there, a Refusal
 * where it is anything else or cannot be read. Never waits and never follows a link. Throws where the
 * machine is short of something ({@link isShortage}).
 */
export function readBounded(files: Files, path: string, limit = MAX_BYTES): FileBytes | "gone" | Refusal {
  try {
    // Opening a device can have effects of its own, so that the kind is looked at first.
    const stats = files.lstatSync(path, { throwIfNoEntry: false, bigint: true });
    if (stats === undefined) return "gone";
    if (!stats.isFile()) return refusal(null, `expected a regular file, found ${kindOf(stats)}`);
    // O_CLOEXEC is set by the runtime.
    const fd = files.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readOpen(files, fd, limit);
    } finally {
      files.closeSync(fd);
    }
  } catch (error) {
    const errno = errnoName(error);
    if (errno === "ENOENT") return "gone";
    if (errno === null || isShortage(error)) throw error;
    return refusal(null, `the file cannot be read: ${kernelWords(error)}`);
  }
}

function readOpen(files: Files, fd: number, limit: number): FileBytes | Refusal {
  const stats = files.fstatSync(fd, { bigint: true });
  if (!stats.isFile()) return refusal(null, `expected a regular file, found ${kindOf(stats)}`);
  if (stats.size > limit) return refusal(null, `expected ${limit} bytes at most, found ${stats.size}`);
  // One byte more than there should be shows a file that grows.
  const buffer = Buffer.allocUnsafe(Number(stats.size) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = files.readSync(fd, buffer, length, buffer.length - length, length);
  }
  if (length === buffer.length) {
    return refusal(
      null,
      "expected a finished file, found one that grows: write it elsewhere, then rename it in",
    );
  }
  const writtenAt = Number(stats.mtimeNs / 1_000_000n) + Number(stats.mtimeNs % 1_000_000n) / 1e6;
  return { type: "bytes", bytes: buffer.subarray(0, length), writtenAt };
}
