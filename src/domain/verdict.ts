/** Stable codes of errors and warnings. */
export const CODES = [
  "invalid-event",
  "pid-not-allowed",
  "host-namespace",
  "process-gone",
  "pid-reused",
  "not-a-namespace",
  "id-in-use",
  "device-missing",
  "device-held",
  "device-guarded",
  "too-few-devices",
  "name-taken",
  "name-invalid",
  "same-name-twice",
  "device-not-allowed",
  "bundle-invalid",
  "moved-by-runtime",
  "journal-unwritable",
  "system-error",
  "step-failed",
  "namespace-gone",
  "not-as-wanted",
  "stuck",
  "still-held",
  "left-inside",
  "daemon-stopping",
  "internal",
] as const;

export type Code = (typeof CODES)[number];

/** One error or warning, for a person and for a program. */
export interface Problem {
  readonly code: Code;
  /** What happened, to what, why (the kernel's own words too), and what to do. */
  readonly message: string;
  /** The host's name of the device it is about; null where it is about none. */
  readonly device: string | null;
}

/** What came of an event. `refused`: nothing was touched; `failed`: begun, and undone or `stuck`. */
export type Outcome = "attached" | "unchanged" | "returned" | "no-mapping" | "refused" | "failed";

export interface VerdictDevice {
  readonly host_name: string;
  readonly name: string;
  readonly ifindex: number;
}

/** The answer to an event, as it is written to `results/NAME`. */
export interface Verdict {
  readonly event: string;
  readonly id: string | null;
  readonly outcome: Outcome;
  readonly mapping: string | null;
  readonly devices: readonly VerdictDevice[];
  readonly warnings: readonly Problem[];
  readonly error: Problem | null;
}
