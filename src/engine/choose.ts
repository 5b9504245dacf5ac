import { type AttachPlan, type Pick, planAttach } from "../domain/attach-plan.ts";
import type { Attachment } from "../domain/attachment.ts";
import type { ContainerEvent, Target } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import { selects } from "../domain/match.ts";
import { lackingYet } from "../domain/shortage.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { holderOf } from "./holders.ts";
import type { Opened } from "./kernel.ts";
import { unwritable } from "./on-record.ts";
import { onTheirWay } from "./on-their-way.ts";
import { completed } from "./picks.ts";

type Plan = Extract<AttachPlan, { ok: true }>;
type Held = Extract<Opened, { ok: true }>;

/** What is to be done, the conflict for which nothing is, what to wait for first, or what may come in time. */
export type Chosen =
  | { readonly plan: Plan }
  | { readonly problem: Problem }
  | { readonly wait: Promise<unknown> }
  | { readonly lacks: Problem; readonly isComing: boolean };

/**
 * Chooses the devices for one container, and decides what they shall be inside.
 *
 * To be called with nobody else choosing: what it looked at has to be so still when it is on record.
 *
 * @param late whatever is not there now is not waited for
 */
export async function choose(context: Context, mapping: Mapping, held: Held, late: boolean): Promise<Chosen> {
  const before = context.registry.all();
  const taken = before.flatMap(({ devices }) => devices);
  const found = await context.kernel.survey(held.cookie, {
    requests: mapping.devices,
    reserved: taken.filter(({ state }) => state !== "inside").map(({ snapshot }) => snapshot.device.ifindex),
    away: taken.map(({ snapshot }) => snapshot.device),
    noteHardware: context.mappings().askForHardware,
    patient: mapping.wait > 0 && !late,
  });
  const all = completed(found, before, held.cookie);
  const change = cameBetween(context, all);
  if (change !== null) return { wait: change };
  const result = planAttach(mapping, all, [
    ...found.inside,
    ...onTheirWay(context.registry.inNamespace(held.cookie)),
  ]);
  const wait = all.map((pick) => comingFree(context, before, pick)).find((change) => change !== undefined);
  if (wait !== undefined && !(result.ok && result.warnings.length === 0)) return { wait };
  const lacks = late ? null : lackingYet(mapping, all, result);
  if (lacks !== null) {
    const isComing = all.some(({ passedOver }) => passedOver.some((one) => one.isComing));
    return { lacks, isComing };
  }
  return result.ok ? { plan: result } : { problem: result.conflict };
}

/**
 * What to wait for where a device has been chosen that came home while the host was looked at, and is not what it was yet:
 * under another name and number than its own nothing else tells whose it is.
 */
function cameBetween(
  { landing, registry, underWay }: Context,
  picks: readonly Pick[],
): Promise<unknown> | null {
  const onTheirWayHome = registry
    .all()
    .flatMap(({ devices }) => devices.filter(({ state }) => state !== "inside" && state !== "home"));
  const ours = new Set([...landing.keys(), ...onTheirWayHome.map(({ snapshot }) => snapshot.device.ifindex)]);
  const isOurs = picks.some(({ chosen }) => chosen.some(({ device }) => ours.has(device.ifindex)));
  // Where nothing is under way there is nothing to wait for.
  return isOurs && underWay.size > 0 ? Promise.allSettled(Array.from(underWay.values())) : null;
}

/** Puts on record what the chosen devices are and what is intended, before anything is touched. */
export function putOnRecord(
  context: Context,
  event: ContainerEvent,
  target: Target,
  mapping: Mapping,
  held: Held,
  plan: Plan,
): { readonly attachment: Attachment } | { readonly problem: Problem } {
  try {
    const attachment = context.registry.add({
      cookie: held.cookie,
      holders: [holderOf(event, target, held.process)],
      mapping: mapping.name,
      onExit: mapping.onExit,
      state: "attaching",
      since: context.now(),
      event: event.name,
      devices: plan.devices.map(({ snapshot, wanted, request, ifindex }) => ({
        snapshot,
        wanted,
        settle:
          ifindex === undefined &&
          (request.dad === "wait" || (request.dad === "keep" && request.addresses === null)),
        // From here on each may have been moved: on record before the first of them is.
        state: "moving",
        insideIfindex: ifindex ?? null,
        movedTo: null,
        ...(request.netDevice === undefined ? {} : { ofBundle: true as const }),
      })),
      warnings: plan.warnings,
      error: null,
    });
    return { attachment };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: unwritable(`nothing was touched, for it could not be put on record: ${why}`) };
  }
}

/**
 * What to wait for where the request is short of a device that another attachment is about to give back, has
 * given back since the host was looked at, or may yet fail to take.
 *
 * @param before the Attachments that were when the host was looked at
 */
function comingFree(
  context: Context,
  before: readonly Attachment[],
  pick: Pick,
): Promise<unknown> | undefined {
  const wanted = pick.request.count === "all" ? Number.POSITIVE_INFINITY : pick.request.count;
  if (pick.chosen.length >= wanted) return undefined;
  for (const { key, devices } of before) {
    if (!devices.some(({ snapshot }) => selects(pick.request.match, snapshot.device))) continue;
    const change = context.underWay.get(key);
    if (change !== undefined) return change.catch(() => undefined);
    if (context.registry.get(key) === null) return Promise.resolve();
  }
  return undefined;
}
