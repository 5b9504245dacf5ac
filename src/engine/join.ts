import type { Attachment, Holder } from "../domain/attachment.ts";
import type { ContainerEvent, Target } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import { NET_DEVICES } from "../domain/net-devices.ts";
import type { Problem, Verdict } from "../domain/verdict.ts";
import type { Asked } from "./asked.ts";
import type { Context } from "./context.ts";
import { holderOf, unwatchHolder, watchHolder } from "./holders.ts";
import type { Opened } from "./kernel.ts";
import { close, letGoOf } from "./let-go.ts";
import { notOnRecord } from "./on-record.ts";
import { refusal, thrown, verdict, verdictDevices } from "./verdicts.ts";

type Held = Extract<Opened, { ok: true }>;

/** An attach event that is being carried out. */
export interface Attempt {
  readonly event: ContainerEvent;
  readonly target: Target;
  /** The mapping that applies to it; null: none does. */
  readonly mapping: Mapping | null;
  readonly asks: () => Asked;
  /** Opens the container's namespace, and its process for whoever watches it. */
  readonly open: () => Promise<Opened>;
}

/**
 * The same id in the same namespace: what it asked for is so already. An answer that an earlier daemon did not live to
 * give is given now.
 *
 * @param known all that it is a holder of
 * @param unjoined what it shares besides and that daemon did not live to put it on record for
 */
export async function again(
  context: Context,
  attempt: Attempt,
  known: readonly Attachment[],
  unjoined: readonly Attachment[],
  held: Held,
): Promise<Verdict> {
  const { event, target } = attempt;
  const mapping = known.find((one) => one.mapping !== NET_DEVICES)?.mapping ?? NET_DEVICES;
  const isHeld = known.every(({ holders }) => {
    const before = holders.find(({ id }) => id === event.id);
    // Whoever holds it by a path holds it whatever leads there; one that has ended begins anew.
    return (target.by === "netns" || before?.pid === target.pid) && before?.ended === false;
  });
  if (isHeld) await letGoOf(context, held);
  else {
    // A process of its own took the container's place in the namespace, as a restart in a pod does.
    const problem = await holdAll(context, attempt, known, held);
    if (problem !== null) return refusal(event, problem, mapping);
  }
  const begun = known.find((attachment) => attachment.event === event.name);
  if (begun === undefined)
    return verdict(event, "unchanged", { mapping, devices: known.flatMap(verdictDevices) });
  await holdMore(context, attempt, unjoined);
  const devices = [...asTheyAre(context, unjoined), ...known].flatMap(verdictDevices);
  return verdict(event, "attached", { mapping, devices, warnings: begun.warnings });
}

/** One more container in a namespace where all that it asks for is there already: a pod's. */
export async function join(
  context: Context,
  attempt: Attempt,
  mapping: string,
  shared: readonly Attachment[],
  held: Held,
): Promise<Verdict> {
  const problem = await holdAll(context, attempt, shared, held);
  if (problem !== null) return refusal(attempt.event, problem, mapping);
  context.log("info", "container shares the devices of its namespace", {
    container: attempt.event.id,
    mapping,
  });
  return verdict(attempt.event, "attached", { mapping, devices: shared.flatMap(verdictDevices) });
}

/**
 * One more container in a namespace where a part of what it asks for is there already. It joins that when it has the
 * rest: before, nobody could tell that it has not got all. What is there does not go before it has ended.
 */
export async function joinToo(
  context: Context,
  attempt: Attempt,
  mapping: string,
  shared: readonly Attachment[],
  moved: Promise<Verdict>,
): Promise<Verdict> {
  const answer = { ...(await moved), mapping };
  if (answer.outcome !== "attached") return answer;
  await holdMore(context, attempt, shared);
  const devices = asTheyAre(context, shared).flatMap(verdictDevices);
  return { ...answer, devices: [...devices, ...answer.devices] };
}

/**
 * Puts on record that the container is a holder of each of these, and watches its process for each.
 *
 * @param held is let go of where it is of no use
 * @returns why it is a holder of none
 */
async function holdAll(
  context: Context,
  attempt: Attempt,
  [first, ...others]: readonly Attachment[],
  held: Held,
): Promise<Problem | null> {
  const problem = first === undefined ? null : await hold(context, attempt, first.key, held);
  if (problem === null) await holdMore(context, attempt, others);
  return problem;
}

/** The container holds the namespace already, and all that is there stays for it: what fails here is told, and no more. */
async function holdMore(
  context: Context,
  attempt: Attempt,
  attachments: readonly Attachment[],
): Promise<void> {
  const { id: container, name } = attempt.event;
  for (const { key, mapping } of attachments) {
    const problem = await holdToo(context, attempt, key).catch((error) => thrown(error, null));
    if (problem === null) continue;
    const message = `the container is not told as a holder of what it shares: ${problem.message}`;
    context.log("warning", message, { container, mapping, event: name, code: problem.code });
  }
}

/** As {@link hold}, by opening the namespace once more, and when nothing is under way with it: it is looked at now and then. */
async function holdToo(context: Context, attempt: Attempt, key: number): Promise<Problem | null> {
  for (;;) {
    await context.underWay.get(key)?.catch(() => undefined);
    const own = await attempt.open();
    // One that has ended by now is dealt with by what watches it already.
    if (!own.ok) return null;
    if (!context.underWay.has(key)) return hold(context, attempt, key, own);
    await letGoOf(context, own);
  }
}

async function hold(
  context: Context,
  { event, target }: Attempt,
  key: number,
  own: Held,
): Promise<Problem | null> {
  const now = context.registry.get(key);
  // On its way home, by `release`.
  const isThere = now !== null && !context.underWay.has(key);
  const holders = [...othersThan(event.id, now), holderOf(event, target, own.process)];
  const problem = isThere ? holdFor(context, now, holders) : null;
  if (!isThere || problem !== null) {
    await letGoOf(context, own);
    return problem;
  }
  await unwatchHolder(context, key, event.id);
  watchHolder(context, key, event.id, own.process);
  await close(context, own.cookie);
  return null;
}

/** Those that have not gone home since, by `release`. */
function asTheyAre({ registry }: Context, attachments: readonly Attachment[]): Attachment[] {
  return attachments.flatMap(({ key }) => registry.get(key) ?? []);
}

function othersThan(id: string, attachment: Attachment | null): Holder[] {
  return attachment?.holders.filter((holder) => holder.id !== id) ?? [];
}

/** Puts on record for whom an Attachment is from now on, or leaves it as it was and tells why. */
function holdFor(context: Context, { key, holders }: Attachment, next: readonly Holder[]): Problem | null {
  context.registry.update(key, { holders: next });
  const problem = notOnRecord(context, key);
  if (problem !== null) context.registry.update(key, { holders });
  return problem;
}
