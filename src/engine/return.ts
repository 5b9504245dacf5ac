import type { Attachment } from "../domain/attachment.ts";
import type { ContainerEvent, ReleaseEvent, SpoolEvent } from "../domain/event.ts";
import type { Problem, Verdict, VerdictDevice } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { hasEnded, isStillHeld, unwatchHolder, withEnded } from "./holders.ts";
import { bringHome, goodbye, type Homecoming } from "./homecoming.ts";
import { changesIn } from "./under-way.ts";
import { verdict } from "./verdicts.ts";

/** Carries out `stopped`: the container is no holder any more, and with the last one the devices come home. */
export async function stopped(context: Context, event: ContainerEvent): Promise<Verdict> {
  const { target } = event;
  const mine = context.registry
    .ofHolder(event.id)
    .filter(({ holders }) =>
      holders.some(({ id, pid }) => id === event.id && (target?.by !== "pid" || pid === target.pid)),
    );
  if (mine.length === 0) return verdict(event, "unchanged");
  const homecomings: Homecoming[] = [];
  const waiting: Problem[] = [];
  // In a pod it may hold what it shares and what it has by itself.
  for (const together of Map.groupBy(mine, ({ cookie }) => cookie).values()) {
    const ended = await endHolder(context, together, event.id);
    if (ended === null) waiting.push(...together.map((attachment) => stillHeld(context, attachment)));
    else homecomings.push(...ended);
  }
  return answer(event, mine, homecomings, waiting);
}

/** Carries out `release`: the devices come home now, whoever still holds them. */
export async function release(context: Context, event: ReleaseEvent): Promise<Verdict> {
  const { registry } = context;
  const mine = event.id === null ? registry.all() : registry.ofHolder(event.id);
  if (mine.length === 0) return verdict(event, "unchanged");
  // A pod's container that is just getting what it does not share is told that it has what it shares as well: it is to
  // have had that.
  const cookies = new Set(mine.map(({ cookie }) => cookie));
  for (let left = changesIn(context, cookies); left.length > 0; left = changesIn(context, cookies))
    await Promise.allSettled(left);
  const homecomings = await Promise.all(mine.map(({ key }) => bringHome(context, key)));
  return answer(event, mine, homecomings, []);
}

/** A watched process has ended: its container is no holder any more. */
export async function exited(context: Context, watch: number): Promise<void> {
  const process = context.processes.get(watch);
  if (process === undefined) {
    if (!context.waits.exited(watch)) context.endedEarly.add(watch);
    return;
  }
  // The kernel's side has stopped watching by itself.
  context.processes.delete(watch);
  const attachment = context.registry.get(process.key);
  if (attachment === null) return;
  context.log("info", "container has ended", { container: process.id, mapping: attachment.mapping });
  await endHolder(context, [attachment], process.id);
}

/**
 * Marks a holder as ended, and brings home what is in its namespace if it was the last one there.
 *
 * @param mine Attachments of one namespace
 * @returns what became of these; null where others still hold the namespace
 */
async function endHolder(
  context: Context,
  mine: readonly Attachment[],
  id: string,
): Promise<Homecoming[] | null> {
  const { registry } = context;
  const now = mine.flatMap(({ key }) => registry.get(key) ?? []);
  for (const one of now) {
    if (!hasEnded(one, id)) registry.update(one.key, { holders: withEnded(one.holders, id) });
  }
  const [first] = now;
  if (first === undefined) return [];
  // Begun before anything is waited for: whoever wants the devices has to see that they are on their way.
  const homecomings = isStillHeld(context, first.cookie)
    ? null
    : registry.inNamespace(first.cookie).map((one) => ({
        key: one.key,
        homecoming: goodbye(context, one),
      }));
  for (const { key } of now) await unwatchHolder(context, key, id);
  if (homecomings === null) return null;
  await Promise.all(homecomings.map(({ homecoming }) => homecoming));
  const own = homecomings.filter(({ key }) => now.some((one) => one.key === key));
  return Promise.all(own.map(({ homecoming }) => homecoming));
}

function stillHeld(context: Context, attachment: Attachment): Problem {
  const others = context.registry
    .inNamespace(attachment.cookie)
    .flatMap(({ holders }) => holders.filter(({ ended }) => !ended).map(({ id }) => id));
  const message = `the devices of mapping ${attachment.mapping} stay inside for ${others.join(", ")}, in the same namespace`;
  return { code: "still-held", message, device: null };
}

function answer(
  event: SpoolEvent,
  mine: readonly Attachment[],
  homecomings: readonly Homecoming[],
  waiting: readonly Problem[],
): Verdict {
  const devices: VerdictDevice[] = homecomings.flatMap((homecoming) => homecoming.devices);
  const warnings = [...waiting, ...homecomings.flatMap((homecoming) => homecoming.warnings)];
  const stuck = homecomings.find((homecoming) => homecoming.stuck !== null)?.stuck ?? null;
  const [first] = mine;
  const members = { mapping: first?.mapping ?? null, devices, warnings, error: stuck };
  return verdict(event, stuck === null ? "returned" : "failed", members);
}
