import { existsSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { until } from "./until.ts";
import { type Verdict, verdictSchema } from "./verdict.ts";

/** How an event file is dropped; what is left out is as a well-behaved dropper does it. */
export interface DropOptions {
  /** File name in the spool; default: one that was never used. */
  readonly name?: string;
  /** The time that the file says it was written at. */
  readonly writtenAt?: Date;
}

/** The dropper's and reader's side of the spool: files alone. */
export interface Spool {
  /** Renames an event (an object, or the very bytes of the file) into the spool; gives the file's name. */
  drop(event: unknown, options?: DropOptions): string;
  /** Waits for the verdict on a file and reads it. */
  verdict(name: string): Promise<Verdict>;
  /** The verdict as it is there now; null where there is none. */
  verdictNow(name: string): Verdict | null;
}

/** Longest that a verdict may take, milliseconds; a device's move costs 12 to 24 of them. */
const VERDICT_TIMEOUT = 8_000;

/** `detail` tells how things stood when a verdict did not come. */
export function spoolAt(spool: string, results: string, detail: () => string): Spool {
  let dropped = 0;
  // Events of one tick of the file system's clock are taken in the order of their names.
  const fresh = () => `event-${String(++dropped).padStart(6, "0")}.json`;
  const verdictNow = (name: string) => {
    const path = join(results, name);
    return existsSync(path) ? v.parse(verdictSchema, JSON.parse(readFileSync(path, "utf8"))) : null;
  };
  return {
    drop: (event, { name = fresh(), writtenAt } = {}) => {
      const temporary = join(spool, `.${name}.tmp`);
      const bytes = typeof event === "string" || event instanceof Uint8Array ? event : JSON.stringify(event);
      writeFileSync(temporary, bytes, { mode: 0o600 });
      if (writtenAt !== undefined) utimesSync(temporary, writtenAt, writtenAt);
      renameSync(temporary, join(spool, name));
      return name;
    },
    verdict: (name) =>
      until(`the verdict on ${name}`, () => verdictNow(name) ?? undefined, {
        within: VERDICT_TIMEOUT,
        detail,
      }),
    verdictNow,
  };
}
