import { nameInside, namesOf, type PlannedDevice } from "../domain/attach-plan.ts";
import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import type { ContainerEvent } from "../domain/event.ts";
import { insideOf } from "../domain/inside.ts";
import { isTemplate } from "../domain/interface-name.ts";
import type { DeviceRequest } from "../domain/mapping.ts";
import { differences, type Located, plan } from "../domain/plan.ts";
import type { Problem, Verdict } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { comeHome } from "./homecoming.ts";
import type { Applied } from "./kernel.ts";
import { notOnRecord } from "./on-record.ts";
import { onTheirWay } from "./on-their-way.ts";
import { settled } from "./settle.ts";
import { thrown, verdict, verdictDevices } from "./verdicts.ts";
import { wantedOf } from "./whereabouts.ts";

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
      if (failure === null) {
        const addresses = await settled(context, key, at);
        if (addresses.warning !== null) warnings.push(addresses.warning);
        failure = addresses.failure;
      }
    } catch (error) {
      failure = thrown(error, device.snapshot.device.name);
    }
    if (failure !== null) break;
  }
  failure ??= endedMeanwhile(registry.get(key), event.id) ?? settleOnRecord(context, key, warnings);
  const attachment = registry.get(key);
  const fields = { container: event.id, mapping: attachment?.mapping ?? "", event: event.name };
  if (failure === null && attachment !== null) {
    for (const warning of attachment.warnings) {
      log("warning", warning.message, { ...fields, code: warning.code });
    }
    for (const { snapshot, wanted } of attachment.devices) {
      log("info", `device is inside as ${wanted.device.name}`, { ...fields, device: snapshot.device.name });
    }
    return verdict(event, "attached", {
      mapping: attachment.mapping,
      devices: verdictDevices(attachment),
      warnings: attachment.warnings,
    });
  }
  log("error", failure?.message ?? "", { ...fields, code: failure?.code ?? "internal" });
  // Not through underWay, in which this very attach still stands: nobody else may come between.
  const undone = await comeHome(context, key);
  const error = undone.stuck ?? failure;
  return verdict(event, "failed", { mapping: fields.mapping, warnings: undone.warnings, error });
}

/** How often a pattern goes on to the next free number where the one that it had has just been taken. */
const NUMBERS = 8;

async function moveOne(
  context: Context,
  key: number,
  at: number,
  planned: PlannedDevice,
): Promise<Problem | null> {
  let from: Located =
    planned.ifindex === undefined
      ? { place: "home", snapshot: planned.snapshot }
      : { place: "inside", snapshot: planned.wanted };
  let result = await moveOnce(context, key, at, from);
  for (let number = 0; number < NUMBERS && isNameTaken(result, planned.request); number++) {
    from = result.located ?? from;
    await renumber(context, key, at, planned, from);
    result = await moveOnce(context, key, at, from);
  }
  return shortfall(result, deviceOn(context, key, at));
}

/** From wherever a device is to what is on record as wanted of it. */
async function moveOnce(context: Context, key: number, at: number, from: Located): Promise<Applied> {
  const { cookie } = attachmentOn(context, key);
  const device = deviceOn(context, key, at);
  const steps = plan(from, { place: "inside", snapshot: device.wanted, ifindex: null });
  const result = await context.kernel.apply(cookie, from, wantedOf(device), steps, false);
  const { located, failure } = result;
  if (located?.place === "inside") {
    const { ifindex } = located.snapshot.device;
    const state = failure === null ? "inside" : "moving";
    context.registry.updateDevice(key, at, { insideIfindex: ifindex, state });
    forgetNumber(context, key, at, ifindex);
  }
  return result;
}

/** Whoever had this number in the namespace before is not there any more: it was deleted, or moved on. */
function forgetNumber(context: Context, key: number, at: number, ifindex: number): void {
  const { registry } = context;
  for (const other of registry.inNamespace(attachmentOn(context, key).cookie)) {
    for (const [place, { insideIfindex, movedTo }] of other.devices.entries()) {
      const isItself = other.key === key && place === at;
      if (isItself || movedTo !== null || insideIfindex !== ifindex) continue;
      registry.updateDevice(other.key, place, { insideIfindex: null });
    }
  }
}

/** Whether a pattern's number was free when all was looked at, and is no more. */
function isNameTaken({ failure, located }: Applied, { name }: DeviceRequest): boolean {
  return failure?.errno === "EEXIST" && located !== null && name !== null && isTemplate(name);
}

/** Puts the next free number on record, before it is asked for. */
async function renumber(
  context: Context,
  key: number,
  at: number,
  { request, snapshot }: PlannedDevice,
  { place, snapshot: now }: Located,
): Promise<void> {
  const { registry, kernel } = context;
  const { cookie } = attachmentOn(context, key);
  const { inside } = await kernel.survey(cookie, {
    requests: [],
    reserved: [],
    away: [],
    noteHardware: false,
  });
  const others = inside.filter(({ ifindex }) => place === "home" || ifindex !== now.device.ifindex);
  const coming = onTheirWay(registry.inNamespace(cookie), deviceOn(context, key, at));
  const name = nameInside(request, snapshot.device, [namesOf([...others, ...coming])]);
  registry.updateDevice(key, at, { wanted: insideOf(request, snapshot, name) });
}

/** In what a device is not inside as it was wanted to be, or null. */
function shortfall({ failure, located }: Applied, { snapshot, wanted }: AttachedDevice): Problem | null {
  const { name } = snapshot.device;
  if (failure !== null) return { code: "step-failed", message: withMend(failure.message), device: name };
  if (located?.place !== "inside") {
    const message = `${name} is not in the container's namespace, where it was moved to`;
    return { code: "not-as-wanted", message, device: name };
  }
  const differs = differences(located.snapshot, wanted);
  if (differs.length === 0) return null;
  const message = `${name} is inside, and not as it should be: ${differs.join(", ")}`;
  return { code: "not-as-wanted", message, device: name };
}

function attachmentOn(context: Context, key: number): Attachment {
  const attachment = context.registry.get(key);
  if (attachment === null) throw new Error(`attachment ${key} is forgotten while it is under way`);
  return attachment;
}

function deviceOn(context: Context, key: number, at: number): AttachedDevice {
  const device = attachmentOn(context, key).devices[at];
  if (device === undefined) throw new Error(`attachment ${key} has no device ${at}`);
  return device;
}

/** Puts on record that all is done, or tells why it could not be. */
function settleOnRecord(context: Context, key: number, warnings: readonly Problem[]): Problem | null {
  const before = context.registry.get(key)?.warnings ?? [];
  context.registry.update(key, { state: "attached", warnings: [...before, ...warnings] });
  return notOnRecord(context, key);
}

function endedMeanwhile(attachment: Attachment | null, id: string): Problem | null {
  const holders = attachment?.holders ?? [];
  if (holders.some((holder) => !holder.ended)) return null;
  const message = `container ${id} ended while its devices were being moved`;
  return { code: "process-gone", message, device: null };
}

/** addrconf_add_dev(). It is off in all containers of Docker's that are in no network with IPv6. */
function withMend(message: string): string {
  if (!message.endsWith("IPv6 is disabled on this device")) return message;
  return `${message}; \`sysctls = { "ipv6.disable_ipv6" = 0 }\` in the mapping turns it on for this device`;
}
