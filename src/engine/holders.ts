import type { Attachment, Holder } from "../domain/attachment.ts";
import type { ContainerEvent, Target } from "../domain/event.ts";
import { type Context, unwatch } from "./context.ts";
import type { WatchedProcess } from "./kernel.ts";

/** The container of an event as a holder. */
export function holderOf(event: ContainerEvent, target: Target, process: WatchedProcess | null): Holder {
  return {
    id: event.id,
    pid: target.by === "pid" ? target.pid : null,
    startTime: process?.startTime ?? null,
    path: target.by === "netns" ? target.path : null,
    ended: false,
  };
}

/** `holders` with `id` marked as ended. */
export function withEnded(holders: readonly Holder[], id: string): Holder[] {
  return holders.map((holder) => (holder.id === id ? { ...holder, ended: true } : holder));
}

/** Whether the holder `id` of an Attachment has ended. */
export function hasEnded(attachment: Attachment, id: string): boolean {
  return attachment.holders.some((holder) => holder.id === id && holder.ended);
}

/** Whether any container is left in the namespace for which devices are there. */
export function isStillHeld(context: Context, cookie: string): boolean {
  return context.registry.inNamespace(cookie).some(({ holders }) => holders.some((holder) => !holder.ended));
}

/** Whose end a watch tells of; where it has told already, the holder has ended. */
export function watchHolder(context: Context, key: number, id: string, process: WatchedProcess | null): void {
  if (process === null) return;
  const { watch } = process;
  context.processes.set(watch, { watch, key, id });
  // In a turn of its own: whoever calls this is about to put on record what the end is to undo.
  if (context.endedEarly.delete(watch)) queueMicrotask(() => void context.exited(watch));
}

/** Stops watching the process of one holder. */
export async function unwatchHolder(context: Context, key: number, id: string): Promise<void> {
  for (const process of Array.from(context.processes.values())) {
    if (process.key === key && process.id === id) await unwatch(context, process.watch);
  }
}
