import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { withFreeNames } from "../domain/clash.ts";
import { identityOf } from "../domain/device.ts";
import { differences, type Goal, type Located, plan } from "../domain/plan.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { separately } from "../domain/step.ts";
import type { Problem, VerdictDevice } from "../domain/verdict.ts";
import { aspectsFor } from "./aspects.ts";
import { type Context, unwatch } from "./context.ts";
import type { StepFailure } from "./executor.ts";
import type { Applied } from "./kernel.ts";
import type { Wanted } from "./locate.ts";

/** What became of an Attachment on its way home. */
export interface Homecoming {
  /** Those that are home, as they are there now. */
  readonly devices: readonly VerdictDevice[];
  /** What could not be put back, and devices that are no more. */
  readonly warnings: readonly Problem[];
  /** The first device that could not be brought home, or null. */
  readonly stuck: Problem | null;
}

/**
 * How often a device that did not come home as it was is seen to at once: something may be in its way, and
 * whoever is inside may have changed it since it was looked at.
 */
const MENDS = 2;

/** What became of one device. */
type DeviceHomecoming =
  | { readonly home: Snapshot; readonly warnings: readonly Problem[] }
  | {
      readonly home: null;
      readonly gone: boolean;
      /** Where it is at home, if not as it was; null: it is not there. */
      readonly ifindex: number | null;
      readonly problem: Problem;
    };

/**
 * The one way home: undo of a failed attach, return, release and recovery after a crash. Leads each device
 * from wherever and whatever it is now to its journalled Snapshot; a device that is stuck holds up no other.
 *
 * An Attachment whose devices are all home is forgotten, and its namespace let go. One that has a stuck
 * device stays, holds its namespace, and is tried again.
 */
export function bringHome(context: Context, key: number): Promise<Homecoming> {
  const before = context.underWay.get(key) ?? Promise.resolve();
  const homecoming = before.catch(() => undefined).then(() => comeHome(context, key));
  const entry = homecoming.finally(() => {
    if (context.underWay.get(key) === entry) context.underWay.delete(key);
  });
  context.underWay.set(key, entry);
  return entry;
}

/** As {@link bringHome}, at once: for whoever is the change that is under way. */
export async function comeHome(context: Context, key: number): Promise<Homecoming> {
  const { registry } = context;
  const begun = registry.get(key);
  // Somebody else brought it home while this waited.
  if (begun === null) return { devices: [], warnings: [], stuck: null };
  const cookie = context.unreachable.has(key) ? null : begun.cookie;
  registry.update(key, { state: "returning" });
  const devices: VerdictDevice[] = [];
  const warnings: Problem[] = [];
  let stuck: Problem | null = null;
  for (const [at, device] of begun.devices.entries()) {
    if (device.state === "home") continue;
    registry.updateDevice(key, at, { state: "returning" });
    const came = await deviceHome(context, cookie, device).catch((error) => broken(device, error));
    if (came.home !== null) {
      const { ifindex, name } = came.home.device;
      devices.push({ host_name: device.snapshot.device.name, name, ifindex });
      warnings.push(...came.warnings);
      registry.updateDevice(key, at, { state: "home" });
    } else {
      if (came.gone) warnings.push(came.problem);
      else stuck ??= came.problem;
      const snapshot = came.ifindex === null ? device.snapshot : withIfindex(device.snapshot, came.ifindex);
      registry.updateDevice(key, at, { snapshot, state: came.gone ? "home" : "stuck" });
    }
    tell(context, begun, device, came);
  }
  if (stuck === null) await letGo(context, begun);
  else registry.update(key, { state: "stuck", error: stuck });
  return { devices, warnings, stuck };
}

/** Forgets an Attachment and lets go of its namespace and of its holders' processes. */
export async function letGo(context: Context, attachment: Attachment): Promise<void> {
  context.registry.remove(attachment.key);
  context.waits.changed();
  for (const process of Array.from(context.processes.values())) {
    if (process.key === attachment.key) await unwatch(context, process.watch);
  }
  if (!context.unreachable.delete(attachment.key)) await context.kernel.close(attachment.cookie);
}

/** What is known of a device that is to be found again. */
export function wantedOf(device: AttachedDevice): Wanted {
  return {
    identity: identityOf(device.snapshot.device, device.wanted.device.mac),
    insideIfindex: device.insideIfindex,
    homeIfindex: device.snapshot.device.ifindex,
    names: [device.snapshot.device.name, device.wanted.device.name],
    aspects: { home: aspectsFor(device.snapshot, "home"), inside: aspectsFor(device.wanted, "inside") },
  };
}

async function deviceHome(
  context: Context,
  cookie: string | null,
  device: AttachedDevice,
): Promise<DeviceHomecoming> {
  const { name } = device.snapshot.device;
  const found = await context.kernel.locate(cookie, wantedOf(device));
  if (found === null) return nowhere(device);
  let goal: Goal = { place: "home", snapshot: device.snapshot, ifindex: ifindexToAskFor(found, device) };
  // At home under another name it may be in use: it is left as it is until its own name is free.
  if (found.place === "home") goal = await withNamesThatAreFree(context, found, goal);
  let result = await lead(context, cookie, device, found, goal, false);
  for (let mends = 0; mends < MENDS && result.located !== null && !isHome(result, device); mends++) {
    goal = await secondBest(context, result.failure, result.located, goal);
    result = await lead(context, cookie, device, result.located, goal, true);
  }
  const { located, failure } = result;
  if (located === null) return nowhere(device);
  const differs = differences(located.snapshot, device.snapshot);
  const misnamed = located.snapshot.device.name !== name;
  if (located.place === "home" && !misnamed) {
    const warnings = differs.map((difference) => notPutBack(name, difference));
    return { home: located.snapshot, warnings };
  }
  const where =
    located.place === "home"
      ? `is home as ${located.snapshot.device.name} until its own name is free`
      : "is still inside";
  const why = failure?.message ?? `${differs.join(", ")}`;
  const message = `${name} ${where}: ${why}; it is tried again by itself, or by \`netdevd release\``;
  const ifindex = located.place === "home" ? located.snapshot.device.ifindex : null;
  return { home: null, gone: false, ifindex, problem: { code: "stuck", message, device: name } };
}

/** A device at home keeps the ifindex that it has there: it is known by it, and cannot be given another. */
function withIfindex(snapshot: Snapshot, ifindex: number): Snapshot {
  return { ...snapshot, device: { ...snapshot.device, ifindex } };
}

function isHome({ failure, located }: Applied, device: AttachedDevice): boolean {
  if (failure !== null || located?.place !== "home") return false;
  return differences(located.snapshot, device.snapshot).length === 0;
}

async function lead(
  context: Context,
  cookie: string | null,
  device: AttachedDevice,
  from: Located,
  goal: Goal,
  carryOn: boolean,
): Promise<Applied> {
  const steps = plan(from, goal);
  if (steps.length === 0) return { failure: null, located: from };
  const each = carryOn ? separately(steps) : steps;
  return context.kernel.apply(cookie, from, wantedOf(device), each, carryOn);
}

/** Asked for where the kernel would not give it back by itself, which it does where it was kept inside. */
function ifindexToAskFor(found: Located, device: AttachedDevice): number | null {
  const { ifindex } = device.snapshot.device;
  return found.snapshot.device.ifindex === ifindex ? null : ifindex;
}

/** What can be reached of `goal` where the own name, an altname or the ifindex has been taken meanwhile. */
async function secondBest(
  context: Context,
  failure: StepFailure | null,
  located: Located,
  goal: Goal,
): Promise<Goal> {
  if (failure?.errno === "EBUSY") return { ...goal, ifindex: null };
  return failure?.errno === "EEXIST" ? withNamesThatAreFree(context, located, goal) : goal;
}

async function withNamesThatAreFree(context: Context, located: Located, goal: Goal): Promise<Goal> {
  const own = located.place === "home" ? located.snapshot.device.ifindex : null;
  const others = (await context.kernel.devices()).filter(({ ifindex }) => ifindex !== own);
  return { ...goal, snapshot: withFreeNames(goal.snapshot, others) };
}

/**
 * The container may delete a virtual device, and the kernel deletes it with the namespace; hardware never
 * goes away for good by that, and is looked for again.
 */
function nowhere(device: AttachedDevice): DeviceHomecoming {
  const { name, kind } = device.snapshot.device;
  const gone = kind !== null;
  const message = gone
    ? `${name} is no more: neither the host nor the container's namespace has it; a ${kind} is deleted by \`ip link delete\` inside or with its namespace`
    : `${name} is neither on the host nor in the container's namespace: it may have been moved on or unplugged`;
  return {
    home: null,
    gone,
    ifindex: null,
    problem: { code: gone ? "device-missing" : "stuck", message, device: name },
  };
}

/** Something that should not happen did; the device is still on record, and is tried again. */
function broken(device: AttachedDevice, error: unknown): DeviceHomecoming {
  const { name } = device.snapshot.device;
  const why = error instanceof Error ? error.message : String(error);
  const message = `${name} could not be brought home: ${why}; it is tried again by itself, or by \`netdevd release\``;
  return { home: null, gone: false, ifindex: null, problem: { code: "stuck", message, device: name } };
}

function notPutBack(name: string, difference: string): Problem {
  return { code: "not-as-wanted", message: `${name} is home, and its ${difference}`, device: name };
}

function tell(
  context: Context,
  attachment: Attachment,
  device: AttachedDevice,
  came: DeviceHomecoming,
): void {
  const fields = {
    container: attachment.holders.map(({ id }) => id).join(","),
    device: device.snapshot.device.name,
    mapping: attachment.mapping,
  };
  if (came.home === null) {
    // Told when it happens, and not each time that it is tried again.
    if (attachment.error?.message === came.problem.message) return;
    context.log("error", came.problem.message, { ...fields, code: came.problem.code });
    return;
  }
  context.log("info", "device is home", fields);
  for (const { message, code } of came.warnings) context.log("warning", message, { ...fields, code });
}
