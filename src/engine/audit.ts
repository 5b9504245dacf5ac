import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { isHardware } from "../domain/device.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { deviceHome, landed } from "./device-homecoming.ts";
import { fieldsOf, withIfindex } from "./homecoming.ts";
import { note, withoutMissing } from "./missing.ts";
import { underWayWith } from "./under-way.ts";
import { lastSeenIn, wantedOf } from "./whereabouts.ts";

/**
 * Looks whether hardware is still in the namespaces that it was moved to: it may be unplugged there or moved on, and
 * nothing at home tells of that. What is missing is told in the status. What has turned up at home, plugged in again
 * or sent there by the kernel, is home: it is given back what it had.
 */
export async function audit(context: Context): Promise<void> {
  for (const { key, state, devices } of context.registry.all()) {
    if (state !== "attached" || !devices.some(isToBeSeen)) continue;
    // Its namespace is not held before it has been examined.
    if (context.underWay.has(key) || context.unexamined.has(key)) continue;
    await underWayWith(context, key, auditOne(context, key));
  }
}

function isToBeSeen(device: AttachedDevice): boolean {
  return device.state === "inside" && isHardware(wantedOf(device).identity);
}

async function auditOne(context: Context, key: number): Promise<void> {
  const { registry, kernel } = context;
  for (const [at, device] of registry.get(key)?.devices.entries() ?? []) {
    const attachment = registry.get(key);
    if (attachment === null || !isToBeSeen(device)) continue;
    const found = await kernel.locate(lastSeenIn(context, attachment, device), wantedOf(device));
    const { name } = device.snapshot.device;
    if (found?.place === "inside") {
      const warnings = withoutMissing(attachment, name);
      if (warnings.length < attachment.warnings.length) registry.update(key, { warnings });
    } else if (found === null) {
      const message = `${name} is neither in the container's namespace any more nor on the host: it may have been moved on or unplugged`;
      note(context, attachment, { code: "device-missing", message, device: name });
    } else {
      const told = await led(context, attachment, at, device);
      for (const problem of told) note(context, registry.get(key) ?? attachment, problem);
    }
  }
}

/**
 * Gives back what it had to a device that has come home by itself; nobody is to choose it meanwhile.
 *
 * @returns what is to be told of it
 */
async function led(
  context: Context,
  attachment: Attachment,
  at: number,
  device: AttachedDevice,
): Promise<Problem[]> {
  const { registry, choosing } = context;
  const { key } = attachment;
  const { name } = device.snapshot.device;
  try {
    const came = await choosing.run(() => deviceHome(context, attachment, device));
    if (came.home === null) {
      if (came.ifindex !== null)
        registry.updateDevice(key, at, { snapshot: withIfindex(device.snapshot, came.ifindex) });
      return [{ ...came.problem, code: "device-missing" }];
    }
    context.cameHome(device, came.home, fieldsOf(attachment, device));
    registry.updateDevice(key, at, { state: "home" });
    const message = `${name} has left its container, which has not ended, and is home`;
    const told: Problem[] = [...came.warnings, { code: "device-missing", message, device: name }];
    context.wayHomeEnded({ ...fieldsOf(attachment, device), outcome: "home", warnings: told });
    return told;
  } finally {
    landed(context, device);
  }
}
