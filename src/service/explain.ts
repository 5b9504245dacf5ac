import { bootTime } from "../../ffi/process.ts";
import type { Config } from "../config/config.ts";
import { type Pick, type PlannedDevice, planAttach, type SeenDevice } from "../domain/attach-plan.ts";
import type { Attachment, Holder } from "../domain/attachment.ts";
import type { ContainerEvent } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import { indexed } from "../domain/mappings.ts";
import { selectorText, whyFor, whyNotFor } from "../domain/match.ts";
import { sharing } from "../domain/net-devices.ts";
import { plan } from "../domain/plan.ts";
import { lackingYet } from "../domain/shortage.ts";
import { stepText } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import { askedFor } from "../engine/asked.ts";
import { idInUse } from "../engine/attach.ts";
import { readJournal } from "../engine/journal.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { onTheirWay } from "../engine/on-their-way.ts";
import { completed } from "../engine/picks.ts";
import { mendOf } from "../http/mends.ts";
import { bundlesBy } from "./bundles.ts";

/** A mapping that was considered, in order; those behind the one that applies are not. */
export interface Considered {
  readonly name: string;
  readonly matches: boolean;
  /** The condition that failed, or all that hold. */
  readonly why: string;
}

/** One request of the mapping: what its selector sees on the host. */
export interface ExplainedRequest {
  readonly match: string;
  readonly count: number | "all";
  /** All that the selector sees, in the order in which they are taken, and what guards each. */
  readonly sees: readonly SeenDevice[];
  /** Names of the devices that it takes. */
  readonly takes: readonly string[];
  /** Those that it would take, were it not for this. */
  readonly passed_over: readonly { readonly name: string; readonly problem: Problem }[];
}

/** One device: what would be done to it, in order. */
export interface ExplainedDevice {
  readonly host_name: string;
  readonly name: string;
  readonly steps: readonly string[];
  /** What the host is without meanwhile: what is built on the device, routes by it. */
  readonly losses: readonly string[];
}

/** A conflict or warning, and what to do about it. */
export interface ExplainedProblem extends Problem {
  readonly mend: string | null;
}

/** What an event would do and why, or why it would do nothing. */
export interface Explanation {
  readonly event: string;
  readonly id: string;
  readonly mapping: string | null;
  readonly considered: readonly Considered[];
  /** What the bundle asks for, and its name inside, where that is honoured. */
  readonly net_devices: readonly { readonly host_name: string; readonly name: string }[];
  readonly requests: readonly ExplainedRequest[];
  readonly devices: readonly ExplainedDevice[];
  /** What the container would wait for before that, and for how long at most. */
  readonly waits: { readonly seconds: number; readonly for: Problem } | null;
  readonly conflicts: readonly ExplainedProblem[];
  readonly warnings: readonly ExplainedProblem[];
  /** What of the containers that there are already bears on the event. */
  readonly notes: readonly string[];
}

/** Plans an attach event on the calling thread and touches nothing. */
export async function explain(config: Config, event: ContainerEvent): Promise<Explanation> {
  const mapping = indexed(config.mappings).for(event);
  const upTo = mapping === null ? config.mappings.length : config.mappings.indexOf(mapping) + 1;
  const considered = config.mappings.slice(0, upTo).map(({ name, container }) => {
    const whyNot = whyNotFor(event, container);
    return { name, matches: whyNot === null, why: whyNot ?? whyFor(event, container) };
  });
  const asked = askedFor(
    mapping,
    event,
    bundlesBy(() => config),
  );
  const net_devices = asked.netDevices.map(({ hostName, name }) => ({
    host_name: hostName,
    name: name ?? hostName,
  }));
  const nothing = { requests: [], devices: [], waits: null, conflicts: [], warnings: [], notes: [] };
  const name = asked.mapping?.name ?? null;
  const base = { event: event.name, id: event.id, mapping: name, considered, net_devices, ...nothing };
  if (asked.problem !== null) return { ...base, conflicts: [withMend(asked.problem)] };
  if (asked.mapping === null || event.target === null) return base;
  using service = new KernelService(createLinux(), () => undefined);
  const opened = service.open(event.target, bootTime() - (Date.now() - event.writtenAt));
  const cookie = opened.ok ? opened.cookie : null;
  const held = readJournal(config.daemon.state);
  const elsewhere = held.find(
    (one) =>
      // A target that cannot be opened is refused for that.
      opened.ok &&
      one.cookie !== cookie &&
      one.holders.some((holder) => holder.id === event.id && lives(service, holder)),
  );
  if (elsewhere !== undefined) return { ...base, conflicts: [withMend(idInUse(event, elsewhere))] };
  const known = knownAlready(held, event.id, asked.mapping, cookie);
  if (known.rest === null) return { ...base, notes: known.notes };
  const { devices: requests } = known.rest;
  const found = service.survey(cookie, {
    requests,
    reserved: [],
    away: held.flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device)),
    noteHardware: false,
    tellAll: true,
  });
  const picks = completed(found, held, cookie);
  const inside = held.filter((attachment) => attachment.cookie === cookie);
  const planned = planAttach(known.rest, picks, [...found.inside, ...onTheirWay(inside)]);
  const conflicts = [...(opened.ok ? [] : [opened.problem]), ...(planned.ok ? [] : planned.conflicts)];
  const { wait } = known.rest;
  const lacks = wait === 0 ? null : lackingYet(known.rest, picks, planned);
  return {
    ...base,
    waits: lacks === null ? null : { seconds: wait / 1000, for: lacks },
    requests: picks.map(explainedRequest),
    devices: planned.ok ? planned.devices.map((device) => explainedDevice(device, picks)) : [],
    conflicts: conflicts.map(withMend),
    warnings: planned.ok ? planned.warnings.map(withMend) : [],
    notes: known.notes,
  };
}

function explainedRequest({ request, seen = [], chosen, passedOver }: Pick): ExplainedRequest {
  return {
    match: selectorText(request.match),
    count: request.count,
    sees: seen,
    takes: chosen.map(({ device }) => device.name),
    passed_over: passedOver,
  };
}

function explainedDevice({ snapshot, wanted }: PlannedDevice, picks: readonly Pick[]): ExplainedDevice {
  const { ifindex } = snapshot.device;
  const steps = plan({ place: "home", snapshot }, { place: "inside", snapshot: wanted, ifindex: null });
  const losses = picks.flatMap(({ chosen, losses = [] }) =>
    losses.filter((_, at) => chosen[at]?.device.ifindex === ifindex).flat(),
  );
  return {
    host_name: snapshot.device.name,
    name: wanted.device.name,
    steps: steps.map(stepText),
    losses,
  };
}

function withMend(problem: Problem): ExplainedProblem {
  return { ...problem, mend: mendOf(problem.code) };
}

/** Who holds by a path does so until it is told to have stopped. */
function lives(service: KernelService, { ended, pid, startTime }: Holder): boolean {
  if (ended || pid === null) return !ended;
  const opened = service.open({ by: "pid", pid }, bootTime());
  return opened.ok && opened.process?.startTime === startTime;
}

/** What the container, or another one of its namespace, has already; and what is left to be done: null, nothing. */
function knownAlready(
  held: readonly Attachment[],
  id: string,
  mapping: Mapping,
  cookie: string | null,
): { readonly notes: string[]; readonly rest: Mapping | null } {
  const own = held.find(({ holders }) => holders.some((holder) => holder.id === id && !holder.ended));
  if (own !== undefined && own.cookie === cookie) {
    const note = `container ${id} has its devices already, under mapping ${own.mapping}: nothing would change`;
    return { notes: [note], rest: null };
  }
  const { shared, rest } = sharing(
    mapping,
    held.filter((other) => other.cookie === cookie),
  );
  const notes = shared.map((other) => {
    const others = other.holders.map((holder) => holder.id).join(", ");
    return `the devices of mapping ${other.mapping} are there already for ${others}, in the same namespace: ${id} would share them`;
  });
  if (own !== undefined && rest !== null)
    notes.push(
      `container ${id} has devices under mapping ${own.mapping} in another namespace, where it has ended: they come home first`,
    );
  return { notes, rest };
}
