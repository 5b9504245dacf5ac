import type { Holder } from "./attachment.ts";
import type { Problem } from "./verdict.ts";

/** A container that waits for devices which are not there yet. Nothing has been touched for it so far. */
export interface Waiting {
  readonly holder: Holder;
  readonly mapping: string;
  /** CLOCK_REALTIME, milliseconds. */
  readonly since: number;
  /** What it would be refused for if it did not wait. */
  readonly lacks: Problem;
}
