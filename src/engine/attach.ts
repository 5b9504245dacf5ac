import type { Attachment } from "../domain/attachment.ts";
import type { ContainerEvent, Target } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import { NET_DEVICES, sharing } from "../domain/net-devices.ts";
import type { Problem, Verdict } from "../domain/verdict.ts";
import { type Asked, askedFor } from "./asked.ts";
import { choose, putOnRecord } from "./choose.ts";
import type { Context } from "./context.ts";
import { hasEnded, holderOf, isStillHeld, watchHolder } from "./holders.ts";
import { bringHome } from "./homecoming.ts";
import { type Attempt, again, join, joinToo } from "./join.ts";
import type { Opened } from "./kernel.ts";
import { letGoOf } from "./let-go.ts";
import { moveIn } from "./move-in.ts";
import { pinned } from "./reach.ts";
import { examined } from "./recovery.ts";
import { joiningIn, underWayWith } from "./under-way.ts";
import { refusal, verdict } from "./verdicts.ts";
import { type Lacking, tellWaiting, waitFor } from "./wait-for.ts";
import type { Patience } from "./waits.ts";

type Held = Extract<Opened, { ok: true }>;

/** Carries out an attach event: all devices that the container asks for, or none. */
export async function attach(
  context: Context,
  event: ContainerEvent,
  target: Target,
  patience: Patience,
): Promise<Verdict> {
  const mapping = context.mappings().for(event);
  // Of what is attached nobody asks its bundle again.
  const asks = once(() => askedFor(mapping, event, context.bundles));
  if (context.registry.ofHolder(event.id).length === 0) {
    const asked = asks();
    if (asked.problem !== null) return refusal(event, asked.problem, nameOf(asked));
    if (asked.mapping === null) return verdict(event, "no-mapping");
  }
  // So that a daemon that is started anew does not wait anew.
  const deadline = patience.writtenAt + (mapping?.wait ?? 0);
  let late = deadline <= context.uptime();
  const open = () => context.kernel.open(target, patience.writtenAt);
  const attempt: Attempt = { event, target, mapping, asks, open };
  const look = async () => {
    const seen = context.waits.changes;
    const held = await open();
    if (!held.ok) return { verdict: refusal(event, held.problem, mapping?.name ?? null) };
    const placed = place(context, attempt, held, late).catch(async (error: unknown) => {
      await letGoOf(context, held);
      throw error;
    });
    return { seen, held, placed: await placed };
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

async function place(context: Context, attempt: Attempt, held: Held, late: boolean): Promise<Placed> {
  const { event, mapping } = attempt;
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
  if (known.length > 0) {
    const unjoined = unjoinedBy(context, attempt, known, held.cookie);
    const unseen = unjoined.find(({ key }) => context.unexamined.has(key));
    if (unseen !== undefined) return lookAgain(context, event, held, unseen.key, mappingName);
    return { verdict: joiningIn(context, held.cookie, again(context, attempt, known, unjoined, held)) };
  }
  const asked = attempt.asks();
  if (asked.problem !== null) return refuse(context, event, held, asked.problem, nameOf(asked));
  if (asked.mapping === null) {
    await letGoOf(context, held);
    return { verdict: verdict(event, "no-mapping") };
  }
  const { name } = asked.mapping;
  const { shared, rest } = sharing(asked.mapping, registry.inNamespace(held.cookie));
  for (const { key, state } of shared) {
    const change = underWay.get(key);
    if (change !== undefined) return { wait: change.catch(() => undefined) };
    if (context.unexamined.has(key)) return lookAgain(context, event, held, key, name);
    // It goes home as soon as it can, whoever lives there by then.
    if (state === "stuck") {
      const { stuck } = await bringHome(context, key);
      return stuck === null ? { wait: Promise.resolve() } : refuse(context, event, held, stuck, name);
    }
  }
  if (rest === null)
    return { verdict: joiningIn(context, held.cookie, join(context, attempt, name, shared, held)) };
  return begin(context, attempt, { name, shared, rest }, held, late);
}

/**
 * What a container shares with others and is no holder of yet, for the daemon before died between. It has all that it asked
 * for only with that. Where its bundle cannot be read any more, that cannot be told.
 */
function unjoinedBy(
  { registry }: Context,
  { event, asks }: Attempt,
  known: readonly Attachment[],
  cookie: string,
): Attachment[] {
  if (known.every((attachment) => attachment.event !== event.name)) return [];
  const { mapping, problem } = asks();
  if (mapping === null || problem !== null) return [];
  const { shared } = sharing(mapping, registry.inNamespace(cookie));
  return shared.filter((one) => !known.includes(one) && one.state === "attached");
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

/** What a container asks for and has not got yet. */
interface Wish {
  /** The name of all that it asks for. */
  readonly name: string;
  /** What is there for others already, and stays as soon as the rest is on record. */
  readonly shared: readonly Attachment[];
  readonly rest: Mapping;
}

/** Chooses the devices, puts on record what they were, and moves them in. */
async function begin(
  context: Context,
  attempt: Attempt,
  { name, shared, rest: mapping }: Wish,
  held: Held,
  late: boolean,
): Promise<Placed> {
  const { registry } = context;
  const { event, target } = attempt;
  const begun = await context.choosing.run(async () => {
    const chosen = await choose(context, mapping, held, late);
    if (!("plan" in chosen)) return chosen;
    // Whoever it was there for has ended meanwhile.
    const leaving = shared.filter(
      ({ key }) => context.underWay.has(key) || registry.get(key)?.state !== "attached",
    );
    if (leaving.length > 0)
      return { wait: Promise.allSettled(leaving.map(({ key }) => context.underWay.get(key))) };
    const recorded = putOnRecord(context, event, target, mapping, held, chosen.plan);
    if ("problem" in recorded) return recorded;
    const { key } = recorded.attachment;
    watchHolder(context, key, event.id, held.process);
    // Not waited for: the kernel's side does one thing after another, and the moves come behind this.
    void pinned(context, recorded.attachment);
    // In the same turn: whoever finds it on record has to find it under way too.
    const moved = moveIn(context, event, key, chosen.plan.devices);
    const work = shared.length === 0 ? moved : joinToo(context, attempt, name, shared, moved);
    return { work: underWayWith(context, key, work) };
  });
  if ("wait" in begun) return begun;
  if ("lacks" in begun) return { ...begun, mapping };
  if ("problem" in begun) return refuse(context, event, held, begun.problem, mapping.name);
  return { verdict: begun.work };
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

/** What a container's devices go by, or would. */
function nameOf({ mapping }: Asked): string {
  return mapping?.name ?? NET_DEVICES;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Of a container that lives in another namespace than the event names. */
export function idInUse({ id }: ContainerEvent, attachment: Attachment): Problem {
  const message = `container ${id} has devices under mapping ${attachment.mapping} in another namespace and has not ended; \`netdevd release\` brings them home`;
  return { code: "id-in-use", message, device: null };
}
