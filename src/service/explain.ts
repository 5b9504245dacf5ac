import type { Config } from "../config/config.ts";
import { lackingYet, planAttach } from "../domain/attach-plan.ts";
import type { ContainerEvent } from "../domain/event.ts";
import { indexed } from "../domain/mappings.ts";
import { selectorText, whyNotFor } from "../domain/match.ts";
import { plan } from "../domain/plan.ts";
import { stepText } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import { heldFor } from "../engine/held.ts";
import { readJournal } from "../engine/journal.ts";
import type { Surveyed } from "../engine/kernel.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";

/** A mapping that was considered, in order; those behind the one that applies are not. */
export interface Considered {
  readonly name: string;
  readonly matches: boolean;
  /** The condition that failed; null where all hold. */
  readonly why: string | null;
}

/** One request of the mapping: what its selector sees on the host. */
export interface ExplainedRequest {
  readonly match: string;
  readonly count: number | "all";
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

/** What an event would do and why, or why it would do nothing. */
export interface Explanation {
  readonly event: string;
  readonly id: string;
  readonly mapping: string | null;
  readonly considered: readonly Considered[];
  readonly requests: readonly ExplainedRequest[];
  readonly devices: readonly ExplainedDevice[];
  /** What the container would wait for before that, and for how long at most. */
  readonly waits: { readonly seconds: number; readonly for: Problem } | null;
  readonly conflicts: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Plans an attach event on the calling thread and touches nothing. */
export async function explain(config: Config, event: ContainerEvent): Promise<Explanation> {
  const mapping = indexed(config.mappings).for(event);
  const upTo = mapping === null ? config.mappings.length : config.mappings.indexOf(mapping) + 1;
  const considered = config.mappings.slice(0, upTo).map(({ name, container }) => {
    const why = whyNotFor(event, container);
    return { name, matches: why === null, why };
  });
  const nothing = { requests: [], devices: [], waits: null, conflicts: [], warnings: [] };
  const base = { event: event.name, id: event.id, mapping: mapping?.name ?? null, considered, ...nothing };
  if (mapping === null || event.target === null) return base;
  using service = new KernelService(createLinux(), () => undefined);
  const opened = service.open(event.target, event.writtenAt);
  const conflicts = opened.ok ? [] : [opened.problem];
  const held = readJournal(config.daemon.state);
  const away = held.flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device));
  const found = service.survey(opened.ok ? opened.cookie : null, {
    requests: mapping.devices,
    reserved: [],
    away,
    noteHardware: false,
    tellLosses: true,
  });
  const picks: Surveyed["picks"] = found.picks.map((pick) => ({
    ...pick,
    passedOver: [...pick.passedOver, ...heldFor(held, pick.request)],
  }));
  const requests = picks.map(({ request, chosen, passedOver }) => ({
    match: selectorText(request.match),
    count: request.count,
    takes: chosen.map(({ device }) => device.name),
    passed_over: passedOver,
  }));
  const losses = new Map(
    picks.flatMap((pick) => pick.chosen.map(({ device }, at) => [device.ifindex, pick.losses?.[at]])),
  );
  const planned = planAttach(mapping, picks, found.inside);
  const lacks = mapping.wait === 0 ? null : lackingYet(mapping, picks, planned);
  const waits = lacks === null ? null : { seconds: mapping.wait / 1000, for: lacks };
  if (!planned.ok) return { ...base, requests, waits, conflicts: [...conflicts, planned.conflict] };
  const devices = planned.devices.map(({ snapshot, wanted }) => {
    const steps = plan({ place: "home", snapshot }, { place: "inside", snapshot: wanted, ifindex: null });
    return {
      host_name: snapshot.device.name,
      name: wanted.device.name,
      steps: steps.map(stepText),
      losses: losses.get(snapshot.device.ifindex) ?? [],
    };
  });
  return { ...base, requests, devices, waits, conflicts, warnings: planned.warnings };
}
