import type { Snapshot } from "./snapshot.ts";
import type { Problem } from "./verdict.ts";

/**
 * pending: waits for a device, and is not on record, for nothing has been touched; attaching: steps are under way;
 * attached; returning: on the way home; stuck: home could not be reached, told and tried again.
 */
export type AttachmentState = "pending" | "attaching" | "attached" | "returning" | "stuck";

/** One container that devices are in a namespace for. */
export interface Holder {
  readonly id: string;
  /** null where the event named a netns path: only `stopped` or `release` ends such a holder. */
  readonly pid: number | null;
  /** Field 22 of /proc/PID/stat, clock ticks since boot: with the pid it names one process for good. */
  readonly startTime: number | null;
  /** The path by which the namespace was named; null where it was named by pid. */
  readonly path: string | null;
  /** Its process has ended or `stopped` came, and the devices wait for the other holders or are on their way. */
  readonly ended: boolean;
}

export type AttachedDeviceState = "home" | "moving" | "inside" | "returning" | "stuck";

/** One device of an Attachment: what it was at home, and what is known of it now. */
export interface AttachedDevice {
  /** As it was before anything was touched: what the way home leads to. */
  readonly snapshot: Snapshot;
  /** What was asked for inside. */
  readonly wanted: Snapshot;
  /** Whether the verdict waits until none of its addresses is tentative. */
  readonly settle: boolean;
  readonly state: AttachedDeviceState;
  /** Its ifindex inside, or where it was moved on to; null until it has been seen there. */
  readonly insideIfindex: number | null;
  /**
   * SO_NETNS_COOKIE of the namespace that whoever is inside has moved it on to, which is held for it like the
   * Attachment's own; null: it has not been seen to leave that one.
   */
  readonly movedTo: string | null;
  /** A bundle asked for it and no mapping: it comes home whatever `onExit` says. */
  readonly ofBundle?: true;
}

/** The durable fact that Devices are in a Namespace for a set of holders under a Mapping. */
export interface Attachment {
  /** Unique within the boot; the journal's key. */
  readonly key: number;
  /** SO_NETNS_COOKIE of the namespace, decimal: inode numbers are reused at once, this never is. */
  readonly cookie: string;
  readonly holders: readonly Holder[];
  readonly mapping: string;
  readonly onExit: "return" | "leave";
  readonly state: AttachmentState;
  /** CLOCK_REALTIME, milliseconds. */
  readonly since: number;
  /** The event that asked for it; its verdict is given again if the daemon died before it was written. */
  readonly event: string;
  readonly devices: readonly AttachedDevice[];
  readonly warnings: readonly Problem[];
  readonly error: Problem | null;
}

/** Cookies of the namespaces that are held for an Attachment: its own first. */
export function namespacesOf({ cookie, devices }: Attachment): string[] {
  return [cookie, ...devices.flatMap(({ movedTo }) => movedTo ?? [])];
}
