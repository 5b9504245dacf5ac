import type { Attachment, Holder } from "../domain/attachment.ts";
import type { ContainerEvent, Target } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import type { Problem, Verdict } from "../domain/verdict.ts";
import { choose, putOnRecord } from "./choose.ts";
import { type Context, unwatch } from "./context.ts";
import { hasEnded, holderOf, isStillHeld, unwatchHolder, watchHolder } from "./holders.ts";
import { bringHome } from "./homecoming.ts";
import type { Opened } from "./kernel.ts";
import { close } from "./let-go.ts";
import { moveIn } from "./move-in.ts";
import { notOnRecord } from "./on-record.ts";
import { pinned } from "./reach.ts";
import { examined } from "./recovery.ts";
import { refusal, verdict, verdictDevices } from "./verdicts.ts";
import { type Lacking, tellWaiting, waitFor } from "./wait-for.ts";
import type { Patience } from "./waits.ts";

type Held = Extract<Opened, { ok: true }>;

/** Carries out an attach event: all devices of the mapping, or none. */
export async function attach(
  context: Context,
  event: ContainerEvent,
  target: Target,
  patience: Patience,
): Promise<Verdict> {
  const mapping = context.mappings().for(event);
  if (mapping === null && context.registry.ofHolder(event.id).length === 0)
    return verdict(event, "no-mapping");
  // So that a daemon that is started anew does not wait anew.
  const deadline = patience.writtenAt + (mapping?.wait ?? 0);
  let late = deadline <= context.uptime();
  // By the clock as it is then: it may have been set meanwhile.
  const writtenAt = () => context.now() - (context.uptime() - patience.writtenAt);
  const look = async () => {
    const seen = context.waits.changes;
    const held = await context.kernel.open(target, writtenAt());
    if (!held.ok) return { verdict: refusal(event, held.problem, mapping?.name ?? null) };
    return { seen, held, placed: await place(context, event, target, mapping, held, late) };
  };
  let hasWaited = false;
  for (;;) {
    // Whatever wakes those that wait wakes them all: others are not to stand behind all of them.
    const seen = await (hasWaited ? context.waits.looking.run(look) : look());
    if ("verdict" in seen) return seen.verdict;
    const { held, placed } = seen;
    if ("verdict" in placed) return placed.verdict;
    if ("lacks" in placed) {
      if (!hasWaited) tellWaiting(context, event, placed);
      hasWaited = true;
      const holder = holderOf(event, target, held.process);
      const end = await waitFor(context, placed, holder, held, patience, { seen: seen.seen, deadline });
      if (typeof end === "object") return refusal(event, end, placed.mapping.name);
      late = end === "late";
    } else {
      await letGoOf(context, held);
      await placed.wait;
    }
  }
}

/** What came of a look: a verdict, sooner or later; or what to wait for before everything is looked at anew. */
type Placed =
  | { readonly verdict: Verdict | Promise<Verdict> }
  | { readonly wait: Promise<unknown> }
  | Lacking;

async function place(
  context: Context,
  event: ContainerEvent,
  target: Target,
  mapping: Mapping | null,
  held: Held,
  late: boolean,
): Promise<Placed> {
  const { registry, underWay } = context;
  const known = registry.ofHolder(event.id);
  const mappingName = mapping?.name ?? null;
  for (const attachment of known) {
    const change = underWay.get(attachment.key);
    if (change !== undefined) return { wait: change.catch(() => undefined) };
    if (context.unexamined.has(attachment.key)) {
      return lookAgain(context, event, held, attachment.key, mappingName);
    }
    if (attachment.cookie !== held.cookie && !hasEnded(attachment, event.id)) {
      return refuse(context, event, held, idInUse(event, attachment), mappingName);
    }
    if (attachment.cookie !== held.cookie && isStillHeld(context, attachment.cookie)) {
      // It has ended there, and others hold the devices on: it is nobody's holder any more.
      const holders = attachment.holders.filter(({ id }) => id !== event.id);
      registry.update(attachment.key, { holders });
      return { wait: Promise.resolve() };
    }
    if (attachment.cookie !== held.cookie || attachment.state === "stuck") {
      const { stuck } = await bringHome(context, attachment.key);
      if (stuck !== null) return refuse(context, event, held, stuck, mappingName);
      return { wait: Promise.resolve() };
    }
  }
  const [same] = known;
  if (same !== undefined) return again(context, event, target, same, held);
  if (mapping === null) {
    await letGoOf(context, held);
    return { verdict: verdict(event, "no-mapping") };
  }
  const shared = registry.inNamespace(held.cookie).find((other) => other.mapping === mapping.name);
  if (shared === undefined) return begin(context, event, target, mapping, held, late);
  const change = underWay.get(shared.key);
  if (change !== undefined) return { wait: change.catch(() => undefined) };
  if (context.unexamined.has(shared.key)) return lookAgain(context, event, held, shared.key, mapping.name);
  return join(context, event, target, shared, held);
}

/** What an earlier daemon left and could not be looked at may be half done: nobody is told that it is there. */
async function lookAgain(
  context: Context,
  event: ContainerEvent,
  held: Held,
  key: number,
  mapping: string | null,
): Promise<Placed> {
  const problem = await examined(context, key);
  return problem === null ? { wait: Promise.resolve() } : refuse(context, event, held, problem, mapping);
}

/** The same id in the same namespace: what it asked for is so already. */
async function again(
  context: Context,
  event: ContainerEvent,
  target: Target,
  attachment: Attachment,
  held: Held,
): Promise<Placed> {
  const before = attachment.holders.find(({ id }) => id === event.id);
  // Whoever holds it by a path holds it whatever leads there; one that has ended begins anew.
  const isSame = target.by === "netns" || before?.pid === target.pid;
  if (isSame && before?.ended === false) {
    await letGoOf(context, held);
  } else {
    // A process of its own took the container's place in the namespace, as a restart in a pod does.
    const others = attachment.holders.filter(({ id }) => id !== event.id);
    const problem = holdFor(context, attachment, [...others, holderOf(event, target, held.process)]);
    if (problem !== null) return refuse(context, event, held, problem, attachment.mapping);
    await unwatchHolder(context, attachment.key, event.id);
    watchHolder(context, attachment.key, event.id, held.process);
    await close(context, held.cookie);
  }
  const outcome = attachment.event === event.name ? "attached" : "unchanged";
  const members = { mapping: attachment.mapping, devices: verdictDevices(attachment) };
  return { verdict: verdict(event, outcome, members) };
}

/** One more container in a namespace whose devices are there already: a pod's. */
async function join(
  context: Context,
  event: ContainerEvent,
  target: Target,
  attachment: Attachment,
  held: Held,
): Promise<Placed> {
  const { mapping } = attachment;
  const holders = [...attachment.holders, holderOf(event, target, held.process)];
  const problem = holdFor(context, attachment, holders);
  if (problem !== null) return refuse(context, event, held, problem, mapping);
  watchHolder(context, attachment.key, event.id, held.process);
  await close(context, held.cookie);
  context.log("info", "container shares the devices of its namespace", {
    container: event.id,
    mapping,
  });
  return { verdict: verdict(event, "attached", { mapping, devices: verdictDevices(attachment) }) };
}

/** Puts on record for whom an Attachment is from now on, or leaves it as it was and tells why. */
function holdFor(context: Context, { key, holders }: Attachment, next: readonly Holder[]): Problem | null {
  context.registry.update(key, { holders: next });
  const problem = notOnRecord(context, key);
  if (problem !== null) context.registry.update(key, { holders });
  return problem;
}

/** Chooses the devices, puts on record what they were, and moves them in. */
async function begin(
  context: Context,
  event: ContainerEvent,
  target: Target,
  mapping: Mapping,
  held: Held,
  late: boolean,
): Promise<Placed> {
  const begun = await context.choosing.run(async () => {
    const chosen = await choose(context, mapping, held, late).catch(async (error: unknown) => {
      await letGoOf(context, held);
      throw error;
    });
    if (!("plan" in chosen)) return chosen;
    const recorded = putOnRecord(context, event, target, mapping, held, chosen.plan);
    if ("problem" in recorded) return recorded;
    const { key } = recorded.attachment;
    watchHolder(context, key, event.id, held.process);
    // Not waited for: the kernel's side does one thing after another, and the moves come behind this.
    void pinned(context, recorded.attachment);
    // In the same turn: whoever finds it on record has to find it under way too.
    const work = moveIn(context, event, key, chosen.plan.devices);
    context.underWay.set(key, work);
    return { key, work };
  });
  if ("wait" in begun) return begun;
  if ("lacks" in begun) return { ...begun, mapping };
  if ("problem" in begun) return refuse(context, event, held, begun.problem, mapping.name);
  const { key, work } = begun;
  const verdict = work.finally(() => {
    if (context.underWay.get(key) === work) context.underWay.delete(key);
  });
  return { verdict };
}

async function refuse(
  context: Context,
  event: ContainerEvent,
  held: Held,
  problem: Problem,
  mapping: string | null,
): Promise<Placed> {
  await letGoOf(context, held);
  return { verdict: refusal(event, problem, mapping) };
}

async function letGoOf(context: Context, held: Held): Promise<void> {
  if (held.process !== null) await unwatch(context, held.process.watch);
  await close(context, held.cookie);
}

function idInUse(event: ContainerEvent, attachment: Attachment): Problem {
  const message = `container ${event.id} has devices under mapping ${attachment.mapping} in another namespace and has not ended; \`netdevd release\` brings them home`;
  return { code: "id-in-use", message, device: null };
}
