import type { Attachment, Holder } from "../domain/attachment.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, unwatch } from "./context.ts";
import { unwatchHolder, watchHolder, withEnded } from "./holders.ts";
import type { Opened } from "./kernel.ts";
import { letGoOn } from "./leave.ts";
import { close } from "./let-go.ts";

type Held = Extract<Opened, { ok: true }>;

/**
 * Takes hold of the namespace of an Attachment that an earlier daemon left, and looks which holders live: by
 * its holders, by its pin, and last of all by whoever else is in it.
 *
 * Where nothing leads to it any more, it is noted as unreachable. Where it could not be looked for, it may well
 * be there with devices in it: that is told and on record, and it is to be tried again.
 *
 * @returns why it could not be looked for, or null
 */
export async function takeHold(context: Context, attachment: Attachment): Promise<Problem | null> {
  const { key, cookie, error } = attachment;
  let problem: Problem | null = null;
  try {
    await holdMovedOn(context, attachment);
    if (await hold(context, attachment)) await pinned(context, attachment);
    else context.unreachable.add(key);
    context.unexamined.delete(key);
  } catch (cause) {
    context.unexamined.add(key);
    for (const held of context.heldOn.get(key) ?? []) await letGoOn(context, key, held);
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `it could not be found out what became of namespace ${cookie}: ${why}; its devices are where they were, and it is tried again by itself, or by \`netdevd release\``;
    problem = { code: "stuck", message, device: attachment.devices[0]?.snapshot.device.name ?? null };
    if (error?.message !== message) {
      const container = attachment.holders.map(({ id }) => id).join(",");
      context.log("error", message, { container, mapping: attachment.mapping, code: "stuck" });
    }
  }
  if (problem !== null || error?.code === "stuck") context.registry.update(key, { error: problem });
  return problem;
}

/**
 * Keeps a namespace over the daemon's death, and has it told when devices leave it; where that cannot be, it is
 * told, and nothing else changes.
 */
export async function pinned(
  { kernel, log }: Context,
  { cookie, mapping }: Pick<Attachment, "cookie" | "mapping">,
): Promise<void> {
  const [pin, listen] = await Promise.all([
    kernel.pin(cookie).catch(String),
    kernel.listen(cookie).catch(String),
  ]);
  if (pin !== null) {
    const message = `the namespace cannot be pinned, and does not outlive a daemon that is killed: ${pin}`;
    log("warning", message, { mapping });
  }
  if (listen !== null) {
    const message = `what is moved on from the namespace is not followed at once, but on the way home: ${listen}`;
    log("warning", message, { mapping });
  }
}

/** Takes hold of the namespaces that devices were moved on to, as far as anything leads there. */
async function holdMovedOn(context: Context, { key, mapping, devices }: Attachment): Promise<void> {
  const { kernel, heldOn } = context;
  for (const { movedTo: cookie } of devices) {
    if (cookie === null) continue;
    const isHeld = (await kernel.openPinned(cookie)).ok || (await kernel.openFound(cookie)).ok;
    if (!isHeld) continue;
    heldOn.set(key, [...(heldOn.get(key) ?? []), cookie]);
    await pinned(context, { cookie, mapping });
  }
}

/** Whether it could be taken hold of; throws where that could not be found out, and then holds nothing. */
async function hold(context: Context, attachment: Attachment): Promise<boolean> {
  const { kernel, registry } = context;
  const { key, cookie } = attachment;
  let { holders } = attachment;
  let holds = 0;
  try {
    for (const holder of attachment.holders) {
      const held = await reach(context, attachment, holder);
      if (held === null) {
        holders = withEnded(holders, holder.id);
        continue;
      }
      holds += 1;
      if (holder.ended && held.process !== null) await unwatch(context, held.process.watch);
      if (!holder.ended) watchHolder(context, key, holder.id, held.process);
    }
    if (holds === 0 && (await kernel.openPinned(cookie)).ok) holds = 1;
    if (holds === 0 && (await kernel.openFound(cookie)).ok) holds = 1;
  } catch (cause) {
    for (const { id } of attachment.holders) await unwatchHolder(context, key, id);
    for (; holds > 0; holds--) await close(context, cookie);
    throw cause;
  }
  // One per Attachment is enough, however many of its holders lead to the namespace.
  for (; holds > 1; holds--) await close(context, cookie);
  registry.update(key, { holders });
  return holds > 0;
}

/** The Attachment's namespace by way of one holder; null where that holder has ended or leads elsewhere. */
async function reach(context: Context, attachment: Attachment, holder: Holder): Promise<Held | null> {
  const target =
    holder.pid !== null
      ? ({ by: "pid", pid: holder.pid } as const)
      : ({ by: "netns", path: holder.path ?? "" } as const);
  const opened = await context.kernel.open(target, context.uptime());
  if (!opened.ok) return null;
  const same =
    opened.cookie === attachment.cookie && (opened.process?.startTime ?? null) === holder.startTime;
  if (same) return opened;
  if (opened.process !== null) await unwatch(context, opened.process.watch);
  await close(context, opened.cookie);
  return null;
}
