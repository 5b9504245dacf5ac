import { type AttachedDevice, type Attachment, namespacesOf } from "../domain/attachment.ts";
import { isHardware } from "../domain/device.ts";
import type { Context } from "./context.ts";
import type { Followed, KernelNews } from "./kernel.ts";
import { letGoOn } from "./leave.ts";
import { note, withoutMissing } from "./missing.ts";
import { pinned } from "./reach.ts";
import { thrown } from "./verdicts.ts";
import { lastSeenIn, trace, wantedOf } from "./whereabouts.ts";

/** Told by the kernel's side: a device has left a held namespace. */
export type Departed = Extract<KernelNews, { type: "departed" }>;

interface Found {
  readonly attachment: Attachment;
  readonly at: number;
  readonly device: AttachedDevice;
}

/**
 * Whoever is inside has moved a device on, to a namespace that may end together with the container: that one is held
 * from now on, on record and over the daemon's death, like the container's own, until the device is home or moved on
 * again. Hardware is left to the kernel, which sends it home from there by itself.
 */
export async function departed(context: Context, { from, ifindex, to }: Departed): Promise<void> {
  // At once where nothing is in the way: what is told next may be that it has moved on from there.
  let found = ownerOf(context, from, ifindex);
  for (; found instanceof Promise; found = ownerOf(context, from, ifindex)) await found;
  if (found === null) {
    // One of the container's own.
    if (to !== null) await context.kernel.close(to.cookie);
    return;
  }
  if (to !== null) await holdThere(context, found, to.cookie, to.ifindex);
  // It may have moved on before anybody listened there.
  await soughtOrAstray(context, found.attachment.key, found.at);
}

/** Looks for all devices that may have left a held namespace unseen. */
export async function seekAll(context: Context, from: string): Promise<void> {
  for (const attachment of context.registry.all()) {
    if (namespacesOf(attachment).includes(from)) await seekDevicesOf(context, attachment);
  }
}

/** Looks again for what was moved on to where nothing led. */
export async function seekAgain(context: Context): Promise<void> {
  for (const key of Array.from(context.astray)) {
    const attachment = context.registry.get(key);
    context.astray.delete(key);
    if (attachment !== null) await seekDevicesOf(context, attachment);
  }
}

/** Looks for the devices of an Attachment that are not where they were last seen, and holds the namespaces that they are in. */
export async function seekDevicesOf(context: Context, { key, devices }: Attachment): Promise<void> {
  for (const at of devices.keys()) await soughtOrAstray(context, key, at);
}

/** Seeks one device; where the kernel does not let us look, that is told, and it is looked for again. */
async function soughtOrAstray(context: Context, key: number, at: number): Promise<void> {
  try {
    await seek(context, key, at);
  } catch (error) {
    context.astray.add(key);
    const attachment = context.registry.get(key);
    const device = attachment?.devices[at]?.snapshot.device.name ?? "";
    const { code, message } = thrown(error, device);
    const level = code === "internal" ? "error" : "warning";
    const what = `${device} could not be looked for inside, and is looked for again: ${message}`;
    context.log(level, what, { device, mapping: attachment?.mapping ?? "", code });
  }
}

async function seek(context: Context, key: number, at: number): Promise<void> {
  const attachment = context.registry.get(key);
  const device = attachment?.devices[at];
  if (!attachment || !device || !isFollowed(attachment, device) || context.underWay.has(key)) return;
  if ((await context.kernel.locate(lastSeenIn(context, attachment, device), wantedOf(device))) !== null)
    return;
  const followed = await trace(context, attachment, device);
  const isAsItWas = context.registry.get(key)?.devices[at] === device && !context.underWay.has(key);
  if (followed?.ok === true) {
    if (isAsItWas) await holdThere(context, { attachment, at, device }, followed.cookie, followed.ifindex);
    else await context.kernel.close(followed.cookie);
  } else if (followed !== null && isAsItWas) {
    context.astray.add(key);
    tellAstray(context, key, device, followed);
  }
}

/** The device that had an ifindex in a namespace, or null; as long as something is under way there, the end of that. */
function ownerOf(context: Context, from: string, ifindex: number): Found | null | Promise<unknown> {
  const there = context.registry.all().filter((one) => namespacesOf(one).includes(from));
  const changes = there.flatMap(({ key }) => context.underWay.get(key) ?? []);
  if (changes.length > 0) return Promise.allSettled(changes);
  for (const attachment of there) {
    const at = attachment.devices.findIndex(
      (one) => one.insideIfindex === ifindex && (one.movedTo ?? attachment.cookie) === from,
    );
    const device = attachment.devices[at];
    if (device !== undefined && isFollowed(attachment, device)) return { attachment, at, device };
  }
  return null;
}

function isFollowed({ onExit }: Attachment, device: AttachedDevice): boolean {
  return onExit === "return" && device.state !== "home" && !isHardware(wantedOf(device).identity);
}

/** @param to held once for this device from here on */
async function holdThere(
  context: Context,
  { attachment, at, device }: Found,
  to: string,
  ifindex: number,
): Promise<void> {
  const { registry, kernel, unreachable, heldOn } = context;
  const { key, cookie, mapping } = attachment;
  const { name } = device.snapshot.device;
  const isBack = to === cookie && !unreachable.has(key);
  // In this order: whatever is pinned is accounted for by what is on record.
  registry.updateDevice(key, at, { movedTo: isBack ? null : to, insideIfindex: ifindex });
  registry.update(key, { warnings: withoutMissing(attachment, name) });
  if (!isBack) heldOn.set(key, [...(heldOn.get(key) ?? []), to]);
  const where = isBack ? "back to the container's namespace" : "to another namespace, which is held for it";
  const container = attachment.holders.map(({ id }) => id).join(",");
  context.log("info", `device was moved on inside ${where}`, { container, device: name, mapping });
  const done = isBack ? kernel.close(to) : pinned(context, { cookie: to, mapping });
  await Promise.all([done, device.movedTo === null ? null : letGoOn(context, key, device.movedTo)]);
}

function tellAstray(
  context: Context,
  key: number,
  { snapshot }: AttachedDevice,
  { nsid, name: there }: Extract<Followed, { ok: false }>,
): void {
  const attachment = context.registry.get(key);
  if (attachment === null) return;
  const { name } = snapshot.device;
  const message = `${name} was moved on to a namespace that neither a process nor a mount leads to (its number there is ${nsid}), and is called ${there} there: it is looked for again, and lost if that namespace ends before something leads there`;
  note(context, attachment, { code: "device-missing", message, device: name });
}
