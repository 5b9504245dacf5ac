import type { Lab } from "../helpers/lab.ts";

/** One thing that is to be so in the guest: a test of its own on the host, so that a failure has a name. */
export interface Scenario {
  readonly name: string;
  /** Runs in the guest, as root, in a lab that others have used before it. */
  readonly body: (lab: Lab) => Promise<void>;
}

/** What came of a scenario, as the guest tells it by its serial line. */
export interface Result {
  readonly name: string;
  /** null: it is so. */
  readonly failure: string | null;
  readonly milliseconds: number;
}

/** What begins a line that tells a {@link Result}. */
export const RESULT = "RESULT ";

/** A scenario. */
export function scenario(name: string, body: (lab: Lab) => Promise<void>): Scenario {
  return { name, body };
}
