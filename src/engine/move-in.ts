import type { PlannedDevice } from "../domain/attach-plan.ts";
import type { Attachment } from "../domain/attachment.ts";
import type { ContainerEvent } from "../domain/event.ts";
import { differences, plan } from "../domain/plan.ts";
import type { Problem, Verdict } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { wantedOf } from "./device-homecoming.ts";
import { comeHome } from "./homecoming.ts";
import { settled } from "./settle.ts";
import { verdict, verdictDevices } from "./verdicts.ts";

/** Moves one device after another, each in a turn of its own; at the first failure all go home again. */
export async function moveIn(
  context: Context,
  event: ContainerEvent,
  key: number,
  planned: readonly PlannedDevice[],
): Promise<Verdict> {
  const { registry, log } = context;
  const warnings: Problem[] = [];
  let failure: Problem | null = null;
  for (const [at, device] of planned.entries()) {
    try {
      failure = endedMeanwhile(registry.get(key), event.id) ?? (await moveOne(context, key, at, device));
      const tentative = failure === null ? await settled(context, key, at) : null;
      if (tentative !== null) warnings.push(tentative);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failure = { code: "internal", message, device: device.snapshot.device.name };
    }
    if (failure !== null) break;
  }
  failure ??= endedMeanwhile(registry.get(key), event.id);
  const attachment = registry.get(key);
  const fields = { container: event.id, mapping: attachment?.mapping ?? "", event: event.name };
  if (failure === null && attachment !== null) {
    const all = [...attachment.warnings, ...warnings];
    const done = registry.update(key, { state: "attached", warnings: all });
    for (const warning of all) log("warning", warning.message, { ...fields, code: warning.code });
    for (const { snapshot, wanted } of done.devices) {
      log("info", `device is inside as ${wanted.device.name}`, { ...fields, device: snapshot.device.name });
    }
    return verdict(event, "attached", {
      mapping: done.mapping,
      devices: verdictDevices(done),
      warnings: all,
    });
  }
  log("error", failure?.message ?? "", { ...fields, code: failure?.code ?? "internal" });
  // Not through underWay, in which this very attach still stands: nobody else may come between.
  const undone = await comeHome(context, key);
  const error = undone.stuck ?? failure;
  return verdict(event, "failed", { mapping: fields.mapping, warnings: undone.warnings, error });
}

async function moveOne(
  context: Context,
  key: number,
  at: number,
  planned: PlannedDevice,
): Promise<Problem | null> {
  const attachment = context.registry.get(key);
  const device = attachment?.devices[at];
  if (!attachment || !device) return null;
  const { snapshot, wanted } = planned;
  const from = { place: "home", snapshot } as const;
  const steps = plan(from, { place: "inside", snapshot: wanted, ifindex: null });
  const result = await context.kernel.apply(attachment.cookie, from, wantedOf(device), steps, false);
  const { located, failure } = result;
  if (located?.place === "inside") {
    const state = failure === null ? "inside" : "moving";
    context.registry.updateDevice(key, at, { insideIfindex: located.snapshot.device.ifindex, state });
  }
  const name = snapshot.device.name;
  if (failure !== null) return { code: "step-failed", message: failure.message, device: name };
  if (located?.place !== "inside") {
    const message = `${name} is not in the container's namespace, where it was moved to`;
    return { code: "not-as-wanted", message, device: name };
  }
  const differs = differences(located.snapshot, wanted);
  if (differs.length > 0) {
    const message = `${name} is inside, and not as it should be: ${differs.join(", ")}`;
    return { code: "not-as-wanted", message, device: name };
  }
  return null;
}

function endedMeanwhile(attachment: Attachment | null, id: string): Problem | null {
  const holders = attachment?.holders ?? [];
  if (holders.some((holder) => !holder.ended)) return null;
  const message = `container ${id} ended while its devices were being moved`;
  return { code: "process-gone", message, device: null };
}
