import type { Pick } from "../domain/attach-plan.ts";
import type { Device } from "../domain/device.ts";
import type { Target } from "../domain/event.ts";
import type { Located } from "../domain/plan.ts";
import type { Step } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import { DumpInterruptedError } from "../netlink/netlink-error.ts";
import type { StepFailure } from "./executor.ts";
import type { Inventoried } from "./inventory.ts";
import type { Wanted } from "./locate.ts";
import type { SurveyQuery } from "./survey.ts";

/** A process that is watched for its end. */
export interface WatchedProcess {
  readonly watch: number;
  /** Clock ticks since boot; with the pid it names one process for good. */
  readonly startTime: number;
}

/** A namespace that is held open, and with a pid the process that it was found by. */
export type Opened =
  | { readonly ok: true; readonly cookie: string; readonly process: WatchedProcess | null }
  | { readonly ok: false; readonly problem: Problem };

/** What a survey of host and container found. */
export interface Surveyed {
  readonly picks: readonly Pick[];
  /** The devices that are in the container's namespace already. */
  readonly inside: readonly Device[];
}

/** A namespace that an earlier daemon pinned. */
export interface PinnedNamespace {
  readonly path: string;
  /** Names of the devices in it, but lo; none too where it cannot be looked into. */
  readonly devices: readonly string[];
}

/** What came of the steps of one device, and what it is now; null where it is in neither namespace. */
export interface Applied {
  readonly failure: StepFailure | null;
  readonly located: Located | null;
}

/**
 * The kernel as the engine sees it: the one door to all netlink sockets and namespaces.
 *
 * Namespaces are named by their cookie and held from `open` to as many calls of `close`. Calls are carried
 * out one after another, so that a call should move one device at most.
 */
export interface KernelCalls {
  /** SO_NETNS_COOKIE of the namespace that is home. */
  homeCookie(): string;
  /**
   * Takes hold of a namespace: of a pid the pidfd first, then the namespace, then a look that it still lives.
   *
   * @param writtenAt when the event was written, CLOCK_BOOTTIME milliseconds: a process that started later
   *   is not the one that was meant
   */
  open(target: Target, writtenAt: number): Opened;
  /** Takes hold of a namespace that an earlier daemon pinned; see `Pins`. */
  openPinned(cookie: string): Opened;
  /** Takes hold of a namespace by any process that is in it, or by any other mount of it. */
  openFound(cookie: string): Opened;
  /** Pins a held namespace until its last `close`; gives why it could not be, or null. */
  pin(cookie: string): string | null;
  /** Tells of devices that leave a held namespace, until its last `close`; gives why it cannot, or null. */
  listen(cookie: string): string | null;
  /** Lets go of the pins of earlier daemons, those of `known` aside; gives why of one or another it cannot, in words. */
  unpinOthers(known: readonly string[]): readonly string[];
  /** What is pinned, those of `known` aside, and looked into without taking hold of it. */
  unaccounted(known: readonly string[]): readonly PinnedNamespace[];
  close(cookie: string, keepPin?: boolean): void;
  /** Takes away the pin that is left of a namespace which is not held any more; false: it is held again, and keeps it. */
  unpin(cookie: string): boolean;
  unwatch(watch: number): void;
  /** @param cookie the container's namespace; null: none, nothing is inside */
  survey(cookie: string | null, query: SurveyQuery): Surveyed;
  /** @param cookie null: the container's namespace cannot be reached any more; home alone is looked at */
  locate(cookie: string | null, wanted: Wanted): Located | null;
  /** Takes hold of the namespace that a device was moved on to from the container's; null: there is no trace. */
  follow(cookie: string, wanted: Wanted): Followed | null;
  /** @param carryOn goes on after a step that was refused, unless it was a move */
  apply(
    cookie: string | null,
    from: Located,
    wanted: Wanted,
    steps: readonly Step[],
    carryOn: boolean,
  ): Applied;
  devices(): readonly Device[];
  /** All that selectors and guards go by, of each device at home: dearer than {@link KernelCalls.devices}. */
  inventory(away: readonly Device[]): readonly Inventoried[];
}

/**
 * Where a device went that was moved on from a container's namespace: one that is held now, or its number there; null:
 * there was more to look at than is looked at in one go, and it may be anywhere.
 */
export type Followed =
  | { readonly ok: true; readonly cookie: string; readonly ifindex: number }
  | { readonly ok: false; readonly seen: SeenFrom | null };

/** A device that was seen in a namespace which nothing leads to, by the number that this has where it was looked from. */
export interface SeenFrom {
  readonly nsid: number;
  readonly name: string;
}

/** {@link KernelCalls} from another thread, and what it tells by itself. */
export type Kernel = {
  readonly [Name in keyof KernelCalls]: (
    ...args: Parameters<KernelCalls[Name]>
  ) => Promise<ReturnType<KernelCalls[Name]>>;
};

/** The system refused what a call needs (no memory, no free file descriptor, no permission), in its own words. */
export class KernelError extends Error {
  override readonly name = "KernelError";
}

/** For a look that the system may refuse: nothing is seen then. Whatever else was thrown is thrown on. */
export function nullIfRefused(error: unknown): null {
  if (error instanceof KernelError) return null;
  throw error;
}

/** Whether something that was thrown on the kernel's side is the system's refusal, and no fault of ours. */
export function isSystemRefusal(error: unknown): error is Error {
  if (error instanceof DumpInterruptedError) return true;
  // SyscallError, NetlinkError and what node:fs throws: all have the errno's name.
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    /^E[A-Z0-9]+$/.test(error.code)
  );
}

/**
 * Reads once more where the system refuses to tell, as it does for want of memory: what has just been moved is known by
 * where it was moved to, and nobody else knows that.
 */
export function onceMore<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isSystemRefusal(error)) throw error;
    return read();
  }
}

/** What the kernel's side tells by itself. */
export type KernelNews =
  /** A watched process has ended. */
  | { readonly type: "exit"; readonly watch: number }
  /** Devices at home have changed: what was in the way of one that is stuck may be gone. */
  | { readonly type: "home-changed" }
  /** A device has left a held namespace for another one, which is held for it from now on; `to` null: it could not be. */
  | {
      readonly type: "departed";
      readonly from: string;
      /** What it had there. */
      readonly ifindex: number;
      readonly to: { readonly cookie: string; readonly ifindex: number } | null;
    }
  /** More devices may have left a held namespace than was told. */
  | { readonly type: "departures-lost"; readonly from: string }
  /** Threads of ours were found in a foreign namespace: nothing here can be trusted to clean up any more. */
  | { readonly type: "stray"; readonly threads: readonly number[] };
