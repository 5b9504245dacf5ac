import type { Attachment } from "../domain/attachment.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, unwatch } from "./context.ts";
import type { Homecoming } from "./homecoming.ts";

/** Forgets an Attachment and lets go of its namespace and of its holders' processes. */
export async function letGo(context: Context, attachment: Attachment): Promise<void> {
  context.registry.remove(attachment.key);
  context.waits.changed();
  context.unexamined.delete(attachment.key);
  for (const process of Array.from(context.processes.values())) {
    if (process.key === attachment.key) await unwatch(context, process.watch);
  }
  if (context.unreachable.delete(attachment.key)) return;
  // Its pin, if any, is all that may be left of it: the next start takes that away.
  await context.kernel.close(attachment.cookie).catch((error) => {
    const message = `namespace ${attachment.cookie} is held on, with no device of ours in it: ${error}`;
    context.log("warning", message, { mapping: attachment.mapping });
  });
}

/** Whether the devices stay where they are; what is half done or half undone is brought home all the same. */
export function isLeft({ underWay }: Context, { key, onExit, state }: Attachment): boolean {
  return onExit === "leave" && state === "attached" && !underWay.has(key);
}

/** `on_exit = "leave"`: what the OCI spec bids a runtime to do; the kernel decides what becomes of them. */
export async function leave(context: Context, attachment: Attachment): Promise<Homecoming> {
  const warnings = attachment.devices.map(({ snapshot }): Problem => {
    const { name } = snapshot.device;
    const message = `${name} stays where the container left it: on_exit = "leave" in mapping ${attachment.mapping}`;
    context.log("warning", message, { device: name, mapping: attachment.mapping, code: "left-inside" });
    return { code: "left-inside", message, device: name };
  });
  await letGo(context, attachment);
  return { devices: [], warnings, stuck: null };
}
