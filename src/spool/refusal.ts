import type { Verdict } from "../domain/verdict.ts";

/** Why a spool file is no valid event. */
export interface Refusal {
  readonly type: "refusal";
  /** What is wrong and what was expected. */
  readonly message: string;
  /** "line 3, column 7", or the member's path ("annotations.nic"); null: the file as a whole. */
  readonly where: string | null;
}

/** A {@link Refusal} of these words. */
export function refusal(where: string | null, message: string): Refusal {
  return { type: "refusal", message, where };
}

/** A {@link Refusal} in one line. */
export function refusalText({ message, where }: Refusal): string {
  return where === null ? message : `${where}: ${message}`;
}

/** The Verdict on the file `name`, which is no valid event. */
export function refusedVerdict(name: string, reason: Refusal): Verdict {
  return {
    event: name,
    id: null,
    outcome: "refused",
    mapping: null,
    devices: [],
    warnings: [],
    error: { code: "invalid-event", message: refusalText(reason), device: null },
  };
}
