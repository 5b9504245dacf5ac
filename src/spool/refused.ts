import { join } from "node:path";
import { discard, discardLeftovers, moveInto } from "./discard.ts";
import { errnoName, type Files } from "./files.ts";
import { movedFiles } from "./scan.ts";

/** How much is kept of what was refused. */
export interface RefusedLimits {
  readonly entries: number;
  /** As far as disk and file lengths go, whichever is more. */
  readonly bytes: number;
}

export const REFUSED_LIMITS: RefusedLimits = { entries: 1000, bytes: 64 * 1024 * 1024 };

/** A folder of files that were refused, kept for whoever wants to know why. */
export interface RefusedFolder {
  /**
   * Moves the file at `path` to here as `name`, in place of one of that name, and lets the oldest go where
   * that is too much; one that is too much by itself is not kept, and costs no other its place.
   * Nothing at `path` is no error; others are thrown.
   */
  keep(path: string, name: string): void;
}

/** The refused files in `folder`, which is there; those of former runs count. */
export function openRefused(
  files: Files,
  folder: string,
  limits: RefusedLimits = REFUSED_LIMITS,
): RefusedFolder {
  discardLeftovers(files, folder);
  // Oldest first: a Map keeps the order of insertion.
  const sizes = new Map<string, number>();
  let total = 0;

  const drop = (name: string): void => {
    discard(files, folder, name);
    total -= sizes.get(name) ?? 0;
    sizes.delete(name);
  };

  const add = (name: string, size: number): void => {
    if (size > limits.bytes) {
      drop(name);
      return;
    }
    total += size - (sizes.get(name) ?? 0);
    sizes.delete(name);
    sizes.set(name, size);
    for (const oldest of sizes.keys()) {
      if (sizes.size <= limits.entries && total <= limits.bytes) return;
      drop(oldest);
    }
  };

  for (const { name } of movedFiles(files, folder)) add(name, sizeOf(files, join(folder, name)));
  return {
    keep(path, name) {
      const size = sizeOf(files, path);
      try {
        moveInto(files, path, folder, name);
      } catch (error) {
        if (errnoName(error) === "ENOENT") return;
        throw error;
      }
      add(name, size);
    },
  };
}

/** Entries of a folder that are counted before it is taken to be too much. */
const MAX_COUNTED = 1000;

/** Bytes of what is at `path`, folders with all that is in them, links by themselves; Infinity: not countable. */
function sizeOf(files: Files, path: string): number {
  let bytes = 0;
  const paths = [path];
  try {
    for (let next = paths.pop(); next !== undefined; next = paths.pop()) {
      const stats = files.lstatSync(next, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      // A sparse file is long and takes little room, a short one takes a whole block.
      bytes += Math.max(stats.size, stats.blocks * 512);
      if (!stats.isDirectory()) continue;
      const names = files.readdirSync(next);
      if (paths.length + names.length > MAX_COUNTED) return Number.POSITIVE_INFINITY;
      for (const name of names) paths.push(join(next, name));
    }
  } catch (error) {
    if (errnoName(error) === null) throw error;
    return Number.POSITIVE_INFINITY;
  }
  return bytes;
}
