import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { Problem, VerdictDevice } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { type DeviceHomecoming, deviceHome, landed } from "./device-homecoming.ts";
import { isStillHeld } from "./holders.ts";
import { isLeft, leave, letGo, letGoOfNamespaces, letGoOn } from "./leave.ts";
import type { LogFields } from "./log.ts";
import { takeHold } from "./reach.ts";
import { underWayWith } from "./under-way.ts";

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
 * The one way home: undo of a failed attach, return, release and recovery after a crash. Leads each device
 * from wherever and whatever it is now to its journalled Snapshot; a device that is stuck holds up no other.
 *
 * An Attachment whose devices are all home is forgotten, and its namespace let go. One that has a stuck
 * device stays, holds its namespace where the device may be in it, and is tried again.
 */
export function bringHome(context: Context, key: number): Promise<Homecoming> {
  const before = context.underWay.get(key) ?? Promise.resolve();
  const homecoming = before.catch(() => undefined).then(() => comeHome(context, key));
  return underWayWith(context, key, homecoming);
}

/** As {@link bringHome}, at once: for whoever is the change that is under way. */
export async function comeHome(context: Context, key: number): Promise<Homecoming> {
  const { registry } = context;
  const begun = registry.get(key);
  // Somebody else brought it home while this waited.
  if (begun === null) return { devices: [], warnings: [], stuck: null };
  if (context.unexamined.has(key)) {
    const stuck = await takeHold(context, begun);
    if (stuck !== null) return { devices: [], warnings: [], stuck };
  }
  registry.update(key, { state: "returning" });
  const devices: VerdictDevice[] = [];
  const warnings: Problem[] = [];
  let stuck: Problem | null = null;
  let mayBeInside = false;
  for (const [at, device] of begun.devices.entries()) {
    if (device.state === "home") continue;
    registry.updateDevice(key, at, { state: "returning" });
    const came = await deviceHome(context, begun, device).catch((error) => broken(device, error));
    const fields = fieldsOf(begun, device);
    if (came.home !== null) {
      const { ifindex, name } = came.home.device;
      devices.push({ host_name: device.snapshot.device.name, name, ifindex });
      warnings.push(...came.warnings);
      // First: a daemon that dies between the two brings it home once more, and begins anew with looking after it.
      context.cameHome(device, came.home, fields);
      registry.updateDevice(key, at, { state: "home", movedTo: null });
    } else {
      if (came.gone) warnings.push(came.problem);
      else stuck ??= came.problem;
      mayBeInside ||= came.mayBeInside;
      const snapshot = came.ifindex === null ? device.snapshot : withIfindex(device.snapshot, came.ifindex);
      const movedTo = came.gone ? null : device.movedTo;
      registry.updateDevice(key, at, { snapshot, movedTo, state: came.gone ? "home" : "stuck" });
    }
    if ((came.home !== null || came.gone) && device.movedTo !== null) {
      await letGoOn(context, key, device.movedTo);
    }
    landed(context, device);
    tell(context, begun, fields, came);
  }
  if (stuck === null) await letGo(context, begun);
  else registry.update(key, { state: "stuck", error: stuck });
  // What is in none of them is on record, and is known wherever it turns up.
  if (stuck !== null && !mayBeInside && !isStillHeld(context, begun.cookie))
    await letGoOfNamespaces(context, begun);
  await othersHome(context, begun.cookie);
  return { devices, warnings, stuck };
}

/** Brings home what an Attachment has, or leaves it, as its mapping says: its namespace has no holder any more. */
export async function goodbye(context: Context, attachment: Attachment): Promise<Homecoming> {
  if (!isLeft(context, attachment)) return bringHome(context, attachment.key);
  const warnings = leave(context, attachment);
  if (attachment.devices.some(({ ofBundle }) => ofBundle === true)) {
    const came = await bringHome(context, attachment.key);
    return { ...came, warnings: [...warnings, ...came.warnings] };
  }
  await letGo(context, attachment);
  return { devices: [], warnings, stuck: null };
}

/** Those that waited for the last holder of their namespace wait for nobody any more. */
async function othersHome(context: Context, cookie: string): Promise<void> {
  if (isStillHeld(context, cookie)) return;
  const waiting = context.registry
    .inNamespace(cookie)
    .filter(({ key, state }) => state === "attached" && !context.underWay.has(key));
  await Promise.all(waiting.map((one) => goodbye(context, one)));
}

/** A device at home keeps the ifindex that it has there: it is known by it, and cannot be given another. */
export function withIfindex(snapshot: Snapshot, ifindex: number): Snapshot {
  return { ...snapshot, device: { ...snapshot.device, ifindex } };
}

/** Something that should not happen did; the device is still on record, and is tried again. */
function broken(device: AttachedDevice, error: unknown): DeviceHomecoming {
  const { name } = device.snapshot.device;
  const why = error instanceof Error ? error.message : String(error);
  const message = `${name} could not be brought home: ${why}; it is tried again by itself, or by \`netdevd release\``;
  const problem: Problem = { code: "stuck", message, device: name };
  return { home: null, gone: false, mayBeInside: true, ifindex: null, problem };
}

type DeviceFields = Required<Pick<LogFields, "container" | "device" | "mapping">>;

/** What a line about a device of an Attachment is told with. */
export function fieldsOf({ holders, mapping }: Attachment, { snapshot }: AttachedDevice): DeviceFields {
  return { container: holders.map(({ id }) => id).join(","), device: snapshot.device.name, mapping };
}

function tell(context: Context, attachment: Attachment, fields: DeviceFields, came: DeviceHomecoming): void {
  if (came.home === null) {
    if (came.gone) context.wayHomeEnded({ ...fields, outcome: "gone", warnings: [came.problem] });
    // Told when it happens, and not each time that it is tried again.
    if (attachment.error?.message === came.problem.message) return;
    context.log("error", came.problem.message, { ...fields, code: came.problem.code });
    return;
  }
  context.wayHomeEnded({ ...fields, outcome: "home", warnings: came.warnings });
  context.log("info", "device is home", fields);
  for (const { message, code } of came.warnings) context.log("warning", message, { ...fields, code });
}
