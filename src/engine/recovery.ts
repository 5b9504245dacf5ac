import type { Attachment, Holder } from "../domain/attachment.ts";
import { pinned } from "./attach.ts";
import { type Context, unwatch } from "./context.ts";
import { isStillHeld, watchHolder, withEnded } from "./holders.ts";
import { bringHome } from "./homecoming.ts";
import type { Opened } from "./kernel.ts";

type Held = Extract<Opened, { ok: true }>;

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
    if (attachment !== null) await takeUp(context, attachment);
  }
}

/** Takes hold of an Attachment's namespace, if it is still to be had, and looks which holders live. */
async function takeHold(context: Context, attachment: Attachment): Promise<void> {
  let { holders } = attachment;
  let holds = 0;
  for (const holder of attachment.holders) {
    const held = await reach(context, attachment, holder);
    if (held === null) {
      holders = withEnded(holders, holder.id);
      continue;
    }
    // One hold per Attachment is enough, however many of its holders lead to the namespace.
    holds += 1;
    if (holds > 1) await context.kernel.close(attachment.cookie);
    if (holder.ended && held.process !== null) await unwatch(context, held.process.watch);
    if (!holder.ended) watchHolder(context, attachment.key, holder.id, held.process);
  }
  if (holds === 0 && (await context.kernel.openPinned(attachment.cookie)).ok) holds = 1;
  if (holds > 0) await pinned(context, attachment);
  else context.unreachable.add(attachment.key);
  context.registry.update(attachment.key, { holders });
}

async function takeUp(context: Context, attachment: Attachment): Promise<void> {
  const fields = { container: attachment.holders.map(({ id }) => id).join(","), mapping: attachment.mapping };
  const alive = isStillHeld(context, attachment.cookie);
  if (attachment.state === "attached" && alive) {
    context.log("info", "adopted: the container lives, and its devices stay inside", fields);
    return;
  }
  const why = alive ? "was half done" : "lost its container";
  context.log("info", `an attachment ${why} while no daemon ran: its devices come home`, fields);
  await bringHome(context, attachment.key);
}

/** The Attachment's namespace by way of one holder; null where that holder has ended or leads elsewhere. */
async function reach(context: Context, attachment: Attachment, holder: Holder): Promise<Held | null> {
  const target =
    holder.pid !== null
      ? ({ by: "pid", pid: holder.pid } as const)
      : ({ by: "netns", path: holder.path ?? "" } as const);
  const opened = await context.kernel.open(target, context.now());
  if (!opened.ok) return null;
  const same =
    opened.cookie === attachment.cookie && (opened.process?.startTime ?? null) === holder.startTime;
  if (same) return opened;
  if (opened.process !== null) await unwatch(context, opened.process.watch);
  await context.kernel.close(opened.cookie);
  return null;
}
