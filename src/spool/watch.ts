import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { errnoName, kernelWords, type Trouble } from "./files.ts";
import { isEventName } from "./scan.ts";

export interface SpoolWatcherOptions {
  /** The spool folder; it need not be there yet. */
  readonly path: string;
  /** Look again: something may be there. Called once for any number of changes. */
  readonly onLook: () => void;
  readonly onTrouble: (trouble: Trouble) => void;
  /** Milliseconds between looks that nothing asked for. */
  readonly interval?: number;
}

/**
 * Calls for a look at the spool folder: at once, after each change in it, and every `interval`.
 *
 * inotify(7) is a hint and no more: it watches an inode, not a path, and its queue can overflow. So the
 * parent is watched for a new folder in the old one's place, and each look makes sure that the inode under
 * watch is the one under the path. A look comes after the watch is set, so that nothing falls between.
 */
export class SpoolWatcher {
  readonly #path: string;
  readonly #onLook: () => void;
  readonly #onTrouble: (trouble: Trouble) => void;
  readonly #timer: NodeJS.Timeout;
  #folder: FSWatcher | null = null;
  #parent: FSWatcher | null = null;
  /** Device and inode under watch. */
  #watched: string | null = null;
  #stale = true;
  #due = false;
  #closed = false;
  #told: string | null = null;

  constructor({ path, onLook, onTrouble, interval = 10_000 }: SpoolWatcherOptions) {
    this.#path = resolve(path);
    this.#onLook = onLook;
    this.#onTrouble = onTrouble;
    this.#timer = setInterval(() => this.#lookSoon(), interval);
    this.#lookSoon();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#disarm();
  }

  #renew(): void {
    this.#stale = true;
    this.#lookSoon();
  }

  /** A burst of changes is one look, in the next round of the event loop. */
  #lookSoon(): void {
    if (this.#due || this.#closed) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      if (this.#closed) return;
      if (this.#stale || this.#folder === null || identityOf(this.#path) !== this.#watched) this.#arm();
      this.#onLook();
    });
  }

  #arm(): void {
    // Both go before one is set anew: Bun keeps its watches by path, and would hand out the old inode's.
    this.#disarm();
    this.#stale = false;
    this.#watched = identityOf(this.#path);
    this.#parent = this.#watch(dirname(this.#path), (name) => {
      // The parent's own name: it was itself moved or removed.
      if (name === basename(this.#path) || name === basename(dirname(this.#path))) this.#renew();
    });
    this.#folder = this.#watch(this.#path, (name) => {
      if (isEventName(name)) this.#lookSoon();
    });
  }

  #disarm(): void {
    this.#folder?.close();
    this.#parent?.close();
    this.#folder = null;
    this.#parent = null;
  }

  #watch(path: string, onName: (name: string) => void): FSWatcher | null {
    try {
      const watcher = watch(path, (_, name) => {
        // No name: the queue ran over.
        if (name === null) this.#lookSoon();
        else onName(name);
      });
      watcher.on("error", (error) => {
        this.#stale = true;
        this.#tell(path, error);
      });
      return watcher;
    } catch (error) {
      this.#tell(path, error);
      return null;
    }
  }

  /** Once for each new reason: without a watch, looks still come every `interval`. */
  #tell(path: string, error: unknown): void {
    // A folder that is not there is the scan's to make or to tell of.
    if (errnoName(error) === "ENOENT") return;
    const message = `cannot watch ${path}: ${kernelWords(error)}; events are found late, by looking now and then`;
    if (message === this.#told) return;
    this.#told = message;
    this.#onTrouble({ message, cause: error });
  }
}

function identityOf(path: string): string | null {
  try {
    const stats = statSync(path, { bigint: true });
    return `${stats.dev}:${stats.ino}`;
  } catch {
    return null;
  }
}
