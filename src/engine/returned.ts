import * as v from "valibot";
import type { AttachedDevice } from "../domain/attachment.ts";
import { attachedDeviceSchema } from "./attachment-schema.ts";
import { type Entries, entriesIn } from "./entries.ts";
import type { JournalOwner } from "./journal.ts";
import type { LogFields } from "./log.ts";

/** A device that came home a moment ago, and is still looked after. */
export interface Returned {
  /** Its snapshot is what it was when it came home. */
  readonly device: AttachedDevice;
  /** When it came home; CLOCK_REALTIME, milliseconds. */
  readonly at: number;
  /** Whether it has been looked at since udev had settled. */
  readonly looked: boolean;
  readonly fields: LogFields;
}

/** Those on record, by their ifindexes at home: a daemon that is started anew goes on with them. */
export type ReturnedDevices = Entries<Returned>;

const VERSION = 1;

const returned = v.object({
  device: attachedDeviceSchema,
  at: v.number(),
  looked: v.boolean(),
  fields: v.object({
    container: v.exactOptional(v.string()),
    device: v.exactOptional(v.string()),
    mapping: v.exactOptional(v.string()),
  }),
});

/** The record in `folder`, which is made when it is needed. */
export function returnedIn(folder: string, owner: JournalOwner): ReturnedDevices {
  return entriesIn(folder, owner, { member: "returned", version: VERSION, parse: parseReturned, keyOf });
}

/** A ValiError for what is none. */
export function parseReturned(value: unknown): Returned {
  return v.parse(returned, value);
}

function keyOf({ device }: Returned): number {
  return device.snapshot.device.ifindex;
}
