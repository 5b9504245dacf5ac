import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { SyscallError } from "../../ffi/errno.ts";
import { bindMount, unmount } from "../../ffi/mount.ts";

/**
 * Namespaces kept over the daemon's own death, from before the first device is moved there until the last is
 * home. A namespace that nobody holds takes its virtual devices with it, and the container may well end while
 * no daemon runs.
 */
export interface Pins {
  /** Where the namespace of this cookie can be opened, if it is pinned. */
  path(cookie: string): string;
  /** Whether it is pinned already, by an earlier daemon or by this one. */
  has(cookie: string): boolean;
  /** Pins the namespace of an open fd; gives why it could not be, or null. */
  pin(cookie: string, fd: number): string | null;
  /** Lets go of a namespace; one that is not pinned is fine. */
  unpin(cookie: string): void;
  /** Cookies of all that is pinned, by earlier daemons too. */
  list(): readonly string[];
}

/**
 * Pins in `folder`, which is made when it is needed: each namespace is bind-mounted on a file of its own, as
 * `ip netns` does it.
 */
export function pinsIn(folder: string): Pins {
  const path = (cookie: string) => join(folder, cookie);
  return {
    path,
    has: (cookie) => existsSync(path(cookie)),
    pin(cookie, fd) {
      try {
        if (!makeFile(folder, path(cookie), fd)) return null;
      } catch (error) {
        return messageOf(error);
      }
      try {
        bindMount(`/proc/self/fd/${fd}`, path(cookie));
        return null;
      } catch (error) {
        // A file alone would count as a pin.
        rmSync(path(cookie), { force: true });
        return messageOf(error);
      }
    },
    unpin: (cookie) => takeAway(path(cookie)),
    list() {
      try {
        return readdirSync(folder);
      } catch {
        // Not made yet, or no folder: then nothing is pinned there.
        return [];
      }
    },
  };
}

/** No pins: for whoever only looks. */
export const noPins: Pins = {
  path: () => "",
  has: () => false,
  pin: () => null,
  unpin: () => undefined,
  list: () => [],
};

/**
 * The file to mount on. On the way of each event: what is seldom so is seen to where it is found.
 *
 * @returns whether it is still to be mounted on: not where the namespace of `fd` is there already. A second mount on
 *   top would hold it twice, and one that is renewed holds nothing in between
 */
function makeFile(folder: string, path: string, fd: number): boolean {
  const make = () => closeSync(openSync(path, "wx", 0o600));
  try {
    make();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT") mkdirSync(folder, { recursive: true, mode: 0o700 });
    else if (code !== "EEXIST") throw error;
    else if (isOf(path, fd)) return false;
    else takeAway(path);
    make();
  }
  return true;
}

/** Whether a path leads to the namespace of an fd: both are inodes of nsfs, and there is one for each that lives. */
function isOf(path: string, fd: number): boolean {
  const [there, held] = [statSync(path), fstatSync(fd)];
  return there.dev === held.dev && there.ino === held.ino;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function takeAway(path: string): void {
  try {
    unmount(path);
  } catch (error) {
    // EINVAL: nothing is mounted there; ENOENT: there is no such file.
    if (!(error instanceof SyscallError && (error.code === "EINVAL" || error.code === "ENOENT"))) throw error;
  }
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
