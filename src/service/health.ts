import type { Engine } from "../engine/engine.ts";
import type { Log } from "../engine/log.ts";

/** What faults are about; each kind has one reason at a time. */
export const FAULT_KINDS = ["config", "journal", "spool", "results", "stray"] as const;

/** See {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Whether the daemon does all it is there for, and if not, why. */
export interface Health {
  /** Notes a fault, logged when it is new; null: it is over. */
  fault(kind: FaultKind, reason: string | null): void;
  /** Whether there is a fault of this kind. */
  has(kind: FaultKind): boolean;
  /** All that `/readyz` has to tell, devices that are stuck included; none: ready. */
  reasons(engine: Engine): string[];
}

/** A {@link Health} without a fault. */
export function createHealth(log: Log): Health {
  const faults = new Map<FaultKind, string>();
  return {
    fault(kind, reason) {
      if (reason === null) {
        if (faults.delete(kind)) log("info", `${kind}: all is well again`, {});
      } else if (faults.get(kind) !== reason) {
        faults.set(kind, reason);
        log("error", reason, { code: kind });
      }
    },
    has: (kind) => faults.has(kind),
    reasons(engine) {
      const stuck = engine
        .attachments()
        .filter(({ state, error }) => state === "stuck" || error?.code === "stuck")
        .map(({ error, mapping }) => error?.message ?? `a device of mapping ${mapping} is stuck`);
      return [...faults.values(), ...stuck];
    },
  };
}
