import type { Attachment } from "../domain/attachment.ts";
import { isHardware } from "../domain/device.ts";
import type { Place } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { isStillHeld } from "./holders.ts";
import { bringHome, comeHome } from "./homecoming.ts";
import { nullIfRefused } from "./kernel.ts";
import { seekDevices, seekIn } from "./moved-on.ts";
import { takeHold } from "./reach.ts";
import { underWayWith } from "./under-way.ts";
import { lastSeenIn, wantedIn } from "./whereabouts.ts";

/**
 * Takes up what an earlier daemon left: adopts the Attachments whose containers live, and brings home what
 * has lost its last container or was half done. Plans anew from what is there; no step is ever resumed.
 */
export async function recover(context: Context): Promise<void> {
  const left = context.registry.all();
  // All before any comes home: the last one that lets go of a namespace ends it, and two may share one.
  for (const attachment of left) await takeHold(context, attachment);
  for (const { key } of left) {
    const attachment = context.registry.get(key);
    if (attachment !== null && !context.unexamined.has(key)) await takeUp(context, attachment);
  }
}

/** Takes up what could not be looked at until now, if it can be by now. */
export async function examineAgain(context: Context): Promise<void> {
  const { unexamined, underWay, registry } = context;
  for (const key of Array.from(unexamined)) {
    const attachment = registry.get(key);
    // Whoever is at it looks for it first.
    if (attachment === null || underWay.has(key)) continue;
    const work = takeHold(context, attachment).then(async (problem) => {
      const now = registry.get(key);
      if (problem === null && now !== null) await takeUp(context, now, { home: comeHome, seek: seekDevices });
    });
    await underWayWith(context, key, work);
  }
}

/** Looks again at one Attachment that could not be looked at; gives why it still cannot be, or null. */
export async function examined(context: Context, key: number): Promise<Problem | null> {
  if (!context.unexamined.has(key)) return null;
  await examineAgain(context);
  if (!context.unexamined.has(key)) return null;
  const message = context.registry.get(key)?.error?.message ?? "it could not be looked at";
  return { code: "system-error", message, device: null };
}

/** What is done with what was left, for whoever is not the change that is under way. */
const FROM_OUTSIDE = { home: bringHome, seek: seekIn };

async function takeUp(
  context: Context,
  attachment: Attachment,
  { home, seek }: { home: typeof bringHome; seek: typeof seekIn } = FROM_OUTSIDE,
): Promise<void> {
  const fields = { container: attachment.holders.map(({ id }) => id).join(","), mapping: attachment.mapping };
  const alive = isStillHeld(context, attachment.cookie);
  if (attachment.state === "attached" && alive) {
    const seen = await look(context, attachment);
    // Of a virtual device that is home we had begun to bring all home. Hardware may have fallen home by itself: the
    // others are its container's as before, and the next audit gives it back what it had.
    if (!seen.some(({ place, isVirtual }) => place === "home" && isVirtual)) {
      context.log("info", "adopted: the container lives, and its devices stay inside", fields);
      // Nobody listened while no daemon ran.
      if (seen.some(({ place }) => place === null)) await seek(context, attachment.key);
      return;
    }
  }
  const why = alive ? "was half done" : "lost its container";
  context.log("info", `an attachment ${why} while no daemon ran: its devices come home`, fields);
  await home(context, attachment.key);
}

/** Where a device was seen. */
interface Seen {
  readonly place: Place | null;
  readonly isVirtual: boolean;
}

/**
 * Where each device that is not on record as home is, of those that it was last seen in and home: one may be home
 * already, and that not on record.
 */
async function look(context: Context, attachment: Attachment): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const device of attachment.devices) {
    if (device.state === "home") continue;
    const seenIn = lastSeenIn(context, attachment, device);
    const wanted = wantedIn(context, seenIn, device);
    // Where the kernel refuses to tell, it is looked for like one that is not found.
    const found = await context.kernel.locate(seenIn, wanted).catch(nullIfRefused);
    seen.push({ place: found?.place ?? null, isVirtual: !isHardware(wanted.identity) });
  }
  return seen;
}
