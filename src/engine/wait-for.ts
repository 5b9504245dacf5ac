import type { Holder } from "../domain/attachment.ts";
import type { ContainerEvent } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, unwatch } from "./context.ts";
import type { Opened } from "./kernel.ts";
import { close } from "./let-go.ts";
import type { Patience, WaitEnd, WaitLimits } from "./waits.ts";

/** What the mapping lacks and time may bring. */
export interface Lacking {
  readonly lacks: Problem;
  /** A device is about to come, and nothing will tell when it has. */
  readonly isComing: boolean;
  readonly mapping: Mapping;
}

/** Logs that a container waits, and what for. */
export function tellWaiting(context: Context, event: ContainerEvent, { lacks, mapping }: Lacking): void {
  const fields = { container: event.id, mapping: mapping.name, event: event.name };
  context.log("info", `waits for up to ${mapping.wait / 1000} s: ${lacks.message}`, fields);
}

/**
 * Waits for devices, and lets go of what the look for them held.
 *
 * The process alone is watched: the namespace is not held, for nothing is in it that could be lost.
 */
export async function waitFor(
  context: Context,
  { lacks, isComing, mapping }: Lacking,
  holder: Holder,
  held: Extract<Opened, { ok: true }>,
  patience: Patience,
  { seen, deadline }: Pick<WaitLimits, "seen" | "deadline">,
): Promise<WaitEnd> {
  const watch = held.process?.watch ?? null;
  const waiting = { holder, mapping: mapping.name, since: context.now(), lacks };
  const waited = patience.wait(waiting, watch, { seen, deadline, isComing });
  // It may have ended before anybody waited.
  if (watch !== null && context.endedEarly.has(watch)) context.waits.exited(watch);
  await close(context, held.cookie);
  const end = await waited;
  if (watch !== null) await unwatch(context, watch);
  return end;
}
