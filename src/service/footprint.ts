import { dropFilePages } from "../../ffi/pages.ts";

/** How long nothing may have happened before a tidy-up, which takes some 10 ms, is in nobody's way. */
const QUIET_MS = 2000;
/** What the daemon takes in the long run, with room for a burst; more than that is given back. */
const RESIDENT_LIMIT = 40e6;

/** Keeps the daemon small without waking it while it is idle. */
export interface Footprint extends Disposable {
  /** Something happened: tidy up once it has been quiet for a while. */
  worked(): void;
}

/**
 * Collects garbage and gives memory back when work has come to an end, and once at the start: Bun's own
 * timer for it is off, because it wakes an idle process 13 times a second.
 */
export function createFootprint(): Footprint {
  let timer: NodeJS.Timeout | null = null;
  tidy();
  return {
    worked() {
      if (timer === null) timer = setTimeout(tidy, QUIET_MS);
      else timer.refresh();
    },
    [Symbol.dispose]() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function tidy(): void {
  Bun.gc(true);
  if (process.memoryUsage.rss() > RESIDENT_LIMIT) dropFilePages();
}
