import type { AttachedDevice } from "../domain/attachment.ts";
import type { Mappings } from "../domain/mappings.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { WayHomeEnd } from "../domain/way-home.ts";
import type { Bundles } from "./asked.ts";
import type { Kernel } from "./kernel.ts";
import type { Log, LogFields } from "./log.ts";
import type { Mutex } from "./mutex.ts";
import type { Registry } from "./registry.ts";
import type { Joining } from "./under-way.ts";
import type { WaitClock, Waits } from "./waits.ts";

/** The process of one holder, watched for its end. */
export interface HolderProcess {
  readonly watch: number;
  readonly key: number;
  readonly id: string;
}

/** What every part of the engine works with. */
export interface Context {
  readonly kernel: Kernel;
  readonly registry: Registry;
  readonly log: Log;
  /** See {@link WaitClock}. */
  readonly now: () => number;
  readonly uptime: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Rings once, that much later; to be called off with what it gives. */
  readonly alarm: (milliseconds: number, ring: () => void) => () => void;
  readonly mappings: () => Mappings;
  /** null: nothing is asked of bundles. */
  readonly bundles: Bundles | null;
  /** Held from looking at the host until what was chosen is on record, so that no two choose one device. */
  readonly choosing: Mutex;
  /** Held while it is taken in that a device was moved on inside. */
  readonly following: Mutex;
  /** Where devices went of which that is still to be taken in, and held until then, by {@link departureOf}. */
  readonly told: Map<string, Told>;
  /** Those that wait for devices which are not there yet. */
  readonly waits: Waits;
  /** The changes of Attachments that are under way, by key: attaching and coming home. */
  readonly underWay: Map<number, Promise<unknown>>;
  /** Containers that are just being told of what is there already. */
  readonly joining: Set<Joining>;
  /** Keys of Attachments whose namespace could not be reached again: home alone can be looked at. */
  readonly unreachable: Set<number>;
  /** Namespaces that devices of an Attachment were moved on to and that are held for it, as often as here, by key. */
  readonly heldOn: Map<number, readonly string[]>;
  /** Keys of Attachments that have a device which could not be found where it was moved on to: it is looked for again. */
  readonly astray: Set<number>;
  /** Devices at home that are looked after, by ifindex, as each was when it came home the last time. */
  readonly lookedAfter: Map<number, Snapshot>;
  /** Keys of Attachments whose namespace could not be looked for yet: what is in it is not known. */
  readonly unexamined: Set<number>;
  /** Cookies of namespaces that were let go of, but for their pins: these could not be taken away. */
  readonly leftPinned: Set<string>;
  /** ifindexes at home of devices that are being led home, by what they are on record as: they are nobody else's yet. */
  readonly landing: Map<number, AttachedDevice["snapshot"]["device"]>;
  /** ifindexes of devices that are home with all that is theirs but their name, which is another's: they may be in use. */
  readonly standIns: Set<number>;
  /** By watch. */
  readonly processes: Map<number, HolderProcess>;
  /** Watches whose process ended before it was known which holder's it is. */
  readonly endedEarly: Set<number>;
  /** A device has come home as it was put on record, or as near to that as can be. */
  readonly cameHome: (device: AttachedDevice, home: Snapshot, fields: LogFields) => void;
  /** See `EngineParts`. */
  readonly wayHomeEnded: (end: WayHomeEnd) => void;
  /** A watched process has ended. Never rejects. */
  readonly exited: (watch: number) => Promise<void>;
}

/** Where a device went. */
export interface Told {
  readonly cookie: string;
  readonly ifindex: number;
  readonly isTakenIn: Promise<void>;
}

/** A device that has left a namespace, by what it had there. */
export function departureOf(from: string, ifindex: number | null): string {
  return `${from} ${ifindex}`;
}

/** Stops watching a process. Whatever it told until then is forgotten. */
export async function unwatch(context: Context, watch: number): Promise<void> {
  context.processes.delete(watch);
  await context.kernel.unwatch(watch);
  context.endedEarly.delete(watch);
}
