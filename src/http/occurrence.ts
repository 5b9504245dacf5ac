import type { AttachedDeviceState } from "../domain/attachment.ts";
import type { Outcome, Problem, Verdict } from "../domain/verdict.ts";

/** An event of the spool was answered; `type` is the outcome. */
export interface Answered extends Verdict {
  readonly type: Outcome;
}

/**
 * What became of containers' devices: the states of the status, and how they end. `adopted`: inside all the same, after
 * it could not be found out; `home`: all are; `left-inside`: they stay where they are.
 */
export interface ContainerChange {
  readonly type: "pending" | "attaching" | "adopted" | "returning" | "stuck" | "home" | "left-inside";
  /** More than one where they share a network namespace. */
  readonly containers: readonly string[];
  readonly mapping: string;
  readonly devices: readonly {
    readonly host_name: string;
    /** Inside. */
    readonly name: string;
    readonly state: AttachedDeviceState;
  }[];
  /** What a container waits for, or why its devices are stuck. */
  readonly problem: Problem | null;
}

/** What the log warns of: what could not be put back, what is missing inside, what others changed. */
export interface Warned {
  readonly type: "warning";
  readonly message: string;
  readonly code: string | null;
  readonly container: string | null;
  readonly device: string | null;
  readonly mapping: string | null;
}

/** What is so of the daemon itself. */
export type DaemonChange =
  | { readonly type: "started"; readonly version: string }
  | { readonly type: "ready" }
  /** The reasons of `/readyz`. */
  | { readonly type: "degraded"; readonly reasons: readonly string[] }
  /** A config was read anew; `reason` says why it was not taken. */
  | { readonly type: "reload"; readonly taken: boolean; readonly reason: string | null }
  | { readonly type: "stopping" };

/** One thing that happened, as `/v1/events` tells it. */
export type Occurrence = Answered | ContainerChange | Warned | DaemonChange;

/** All types that `/v1/events` has, that by which a reader is told that it has missed something included. */
export const OCCURRENCE_TYPES = [
  "attached",
  "unchanged",
  "returned",
  "no-mapping",
  "refused",
  "failed",
  "pending",
  "attaching",
  "adopted",
  "returning",
  "stuck",
  "home",
  "left-inside",
  "warning",
  "started",
  "ready",
  "degraded",
  "reload",
  "stopping",
  "missed",
] as const satisfies readonly (Occurrence["type"] | "missed")[];
