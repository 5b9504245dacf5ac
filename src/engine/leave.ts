import type { Attachment } from "../domain/attachment.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, unwatch } from "./context.ts";
import { close } from "./let-go.ts";

/** Forgets an Attachment and lets go of its namespace and of its holders' processes. */
export async function letGo(context: Context, attachment: Attachment): Promise<void> {
  context.registry.remove(attachment.key);
  context.waits.changed();
  context.unexamined.delete(attachment.key);
  for (const process of Array.from(context.processes.values())) {
    if (process.key === attachment.key) await unwatch(context, process.watch);
  }
  context.astray.delete(attachment.key);
  await letGoOfNamespaces(context, attachment);
  context.unreachable.delete(attachment.key);
}

/** Lets go of the namespaces of an Attachment; it is looked for at home alone from then on. */
export async function letGoOfNamespaces(context: Context, { key, cookie }: Attachment): Promise<void> {
  for (const held of context.heldOn.get(key) ?? []) await letGoOn(context, key, held);
  if (context.unreachable.has(key)) return;
  context.unreachable.add(key);
  await close(context, cookie);
}

/** Lets go of a namespace that a device of an Attachment was moved on to; one that is not held for it is fine. */
export async function letGoOn(context: Context, key: number, cookie: string): Promise<void> {
  const { heldOn } = context;
  const held = heldOn.get(key) ?? [];
  const at = held.indexOf(cookie);
  if (at < 0) return;
  const left = held.toSpliced(at, 1);
  if (left.length === 0) heldOn.delete(key);
  else heldOn.set(key, left);
  await close(context, cookie);
}

/** Whether the devices stay where they are; what is half done or half undone is brought home all the same. */
export function isLeft({ underWay }: Context, { key, onExit, state }: Attachment): boolean {
  return onExit === "leave" && state === "attached" && !underWay.has(key);
}

/**
 * `on_exit = "leave"`: what the OCI spec bids a runtime to do; the kernel decides what becomes of them. What a bundle
 * asked for is not meant by it, and stays on record to be brought home.
 */
export function leave(context: Context, { key, mapping, devices }: Attachment): Problem[] {
  return devices.flatMap(({ snapshot, ofBundle }, at): Problem[] => {
    if (ofBundle === true) return [];
    const { name } = snapshot.device;
    const message = `${name} stays where the container left it: on_exit = "leave" in mapping ${mapping}`;
    context.log("warning", message, { device: name, mapping, code: "left-inside" });
    if (devices.some((other) => other.ofBundle === true))
      context.registry.updateDevice(key, at, { state: "home" });
    return [{ code: "left-inside", message, device: name }];
  });
}
