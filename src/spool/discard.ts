import { join } from "node:path";
import { errnoName, type Files } from "./files.ts";

const PREFIX = ".discarded-";

/**
 * Removes `folder/name`, whatever it is; nothing there is no error. Links are removed, never followed.
 *
 * A folder is put out of sight by one rename and emptied off the event loop, because nobody knows how much
 * is in it. What a dead daemon left half emptied is for {@link discardLeftovers}.
 */
export function discard(files: Files, folder: string, name: string): void {
  try {
    files.unlinkSync(join(folder, name));
  } catch (error) {
    const errno = errnoName(error);
    if (errno === "ENOENT") return;
    if (errno !== "EISDIR") throw error;
    const hidden = join(folder, `${PREFIX}${crypto.randomUUID()}`);
    files.renameSync(join(folder, name), hidden);
    empty(files, hidden);
  }
}

/** Goes on with the removals that a daemon began in `folder` and did not live to end. */
export function discardLeftovers(files: Files, folder: string): void {
  for (const name of files.readdirSync(folder)) {
    if (name.startsWith(PREFIX)) empty(files, join(folder, name));
  }
}

/**
 * rename(2) of `from` to `folder/name`, in place of whatever is there: the kernel itself replaces a file
 * by a file, and refuses where one of the two is a folder.
 */
export function moveInto(files: Files, from: string | Buffer, folder: string, name: string): void {
  const to = join(folder, name);
  try {
    files.renameSync(from, to);
  } catch (error) {
    if (!["EISDIR", "ENOTDIR", "ENOTEMPTY", "EEXIST"].includes(errnoName(error) ?? "")) throw error;
    discard(files, folder, name);
    files.renameSync(from, to);
  }
}

function empty(files: Files, path: string): void {
  // What cannot be removed stays hidden, and is tried again by the next start.
  files.rm(path, { recursive: true, force: true }, () => {});
}
