import type { Attachment } from "../domain/attachment.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { wantedOf } from "./device-homecoming.ts";
import { isStillHeld } from "./holders.ts";
import { bringHome, comeHome } from "./homecoming.ts";
import { takeHold } from "./reach.ts";

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
      if (problem === null && now !== null) await takeUp(context, now, comeHome);
    });
    underWay.set(key, work);
    await work.finally(() => underWay.get(key) === work && underWay.delete(key));
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

/** @param home brings it home where it is not adopted */
async function takeUp(context: Context, attachment: Attachment, home = bringHome): Promise<void> {
  const fields = { container: attachment.holders.map(({ id }) => id).join(","), mapping: attachment.mapping };
  const alive = isStillHeld(context, attachment.cookie);
  if (attachment.state === "attached" && alive && !(await isBack(context, attachment))) {
    context.log("info", "adopted: the container lives, and its devices stay inside", fields);
    return;
  }
  const why = alive ? "was half done" : "lost its container";
  context.log("info", `an attachment ${why} while no daemon ran: its devices come home`, fields);
  await home(context, attachment.key);
}

/** Whether a device is home already: its return could not be put on record. */
async function isBack(
  { kernel, unreachable }: Context,
  { key, cookie, devices }: Attachment,
): Promise<boolean> {
  for (const device of devices) {
    const found = await kernel.locate(unreachable.has(key) ? null : cookie, wantedOf(device));
    if (found?.place === "home") return true;
  }
  return false;
}
