import { type AttachedDevice, type Attachment, namespacesOf } from "../domain/attachment.ts";
import { isHardware, mayBe } from "../domain/device.ts";
import { type Context, departureOf } from "./context.ts";
import type { KernelNews, SeenFrom } from "./kernel.ts";
import { letGoOn } from "./leave.ts";
import { close } from "./let-go.ts";
import type { Wanted } from "./locate.ts";
import { note, withoutMissing } from "./missing.ts";
import { pinned } from "./reach.ts";
import { underWayWith } from "./under-way.ts";
import { thrown } from "./verdicts.ts";
import { lastSeenIn, trace, wantedIn, wantedOf } from "./whereabouts.ts";

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
export async function departed(context: Context, news: Departed): Promise<void> {
  const departure = departureOf(news.from, news.ifindex);
  // Whose it is cannot be told before it is taken in how it came where it was.
  const arrivals = Array.from(context.told.values()).filter(
    ({ cookie, ifindex }) => cookie === news.from && ifindex === news.ifindex,
  );
  const { promise: isTakenIn, resolve } = Promise.withResolvers<void>();
  const told = news.to === null ? null : { ...news.to, isTakenIn };
  if (told !== null) context.told.set(departure, told);
  try {
    for (const arrival of arrivals) await arrival.isTakenIn;
    // One after another: what is told next may be that it has moved on from there.
    let busy = await context.following.run(() => takeIn(context, news));
    while (busy !== null) {
      await busy.end;
      busy = await context.following.run(() => takeIn(context, news));
    }
  } finally {
    if (context.told.get(departure) === told) context.told.delete(departure);
    resolve();
  }
}

/** Looks for all devices that may have left a held namespace unseen. */
export async function seekAll(context: Context, from: string): Promise<void> {
  const there = context.registry.all().filter((one) => namespacesOf(one).includes(from));
  for (const { key } of there) await seekIn(context, key);
}

/** Looks again for what was moved on to where nothing led. */
export async function seekAgain(context: Context): Promise<void> {
  for (const key of Array.from(context.astray)) await seekIn(context, key);
}

/** As {@link seekDevices}, unless something else is under way or to be done first: that looks for them itself. */
export async function seekIn(context: Context, key: number): Promise<void> {
  if (context.underWay.has(key) || context.unexamined.has(key)) return;
  await underWayWith(context, key, seekDevices(context, key));
}

/**
 * Looks for the devices of an Attachment that are not where they were last seen, and holds the namespaces that they
 * are in. For whoever is the change that is under way.
 */
export async function seekDevices(context: Context, key: number): Promise<void> {
  context.astray.delete(key);
  for (const at of context.registry.get(key)?.devices.keys() ?? []) await seek(context, key, at);
}

/** Waits for what is under way with a device. */
interface Busy {
  readonly end: Promise<unknown>;
}

async function takeIn(context: Context, { from, ifindex, to }: Departed): Promise<Busy | null> {
  const found = ownerOf(context, from, ifindex);
  if (found !== null && "end" in found) return found;
  const hasLeft =
    found !== null && (await underWayWith(context, found.attachment.key, hasLeftFor(context, found, to)));
  if (hasLeft) return null;
  // One of the container's own; or one of ours, whose number another one of ours has got since.
  await seekUnnumbered(context, from);
  if (to !== null) await close(context, to.cookie);
  return null;
}

/** Takes in that a device has left, and where it is now; or tells that it is still there. */
async function hasLeftFor(context: Context, found: Found, to: Departed["to"]): Promise<boolean> {
  if (await isStillThere(context, found, to)) return false;
  if (to !== null) await holdThere(context, found, to.cookie, to.ifindex);
  // It may have moved on before anybody listened there.
  await seek(context, found.attachment.key, found.at);
  return true;
}

/** Looks for those devices that are not known by a number in a held namespace. */
async function seekUnnumbered(context: Context, from: string): Promise<void> {
  for (const { key, cookie, devices } of context.registry.all()) {
    const isUnnumbered = devices.some(
      ({ state, insideIfindex, movedTo }) =>
        state !== "home" && insideIfindex === null && (movedTo ?? cookie) === from,
    );
    if (isUnnumbered) await seekIn(context, key);
  }
}

/**
 * Whether the number that has left was another's, one of the container's own, before our device came and got it. One of the
 * container's own may have got it by now just as well: then ours is where it went, by its MAC.
 */
async function isStillThere(
  context: Context,
  { attachment, device }: Found,
  to: Departed["to"],
): Promise<boolean> {
  // What cannot be looked at has left, as was told.
  const look = async (cookie: string | null, wanted: Wanted) => {
    const found = await context.kernel.locate(cookie, wanted).catch(() => null);
    return found?.place === "inside" ? found.snapshot.device : null;
  };
  const seenIn = lastSeenIn(context, attachment, device);
  const wanted = wantedIn(context, seenIn, device);
  const there = await look(seenIn, { ...wanted, guess: true });
  if (there === null) return false;
  if (to === null || mayBe(wanted.identity, there, true)) return true;
  const wantedThere = { ...wantedIn(context, to.cookie, device), insideIfindex: to.ifindex };
  return (await look(to.cookie, wantedThere)) === null;
}

/** Looks for one device; where the kernel does not let us look, that is told, and it is looked for again. */
async function seek(context: Context, key: number, at: number): Promise<void> {
  try {
    await look(context, key, at);
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

async function look(context: Context, key: number, at: number): Promise<void> {
  const attachment = context.registry.get(key);
  const device = attachment?.devices[at];
  if (!attachment || !device || !isFollowed(attachment, device)) return;
  const seenIn = lastSeenIn(context, attachment, device);
  const found = await context.kernel.locate(seenIn, wantedIn(context, seenIn, device));
  if (found !== null) return;
  const followed = await trace(context, attachment, device);
  if (followed?.ok === true) {
    await holdThere(context, { attachment, at, device }, followed.cookie, followed.ifindex);
  } else if (followed !== null) {
    context.astray.add(key);
    if (followed.seen !== null) tellAstray(context, attachment, device, followed.seen);
  }
}

/** The device that had an ifindex in a namespace, or null. */
function ownerOf(context: Context, from: string, ifindex: number): Found | Busy | null {
  const there = context.registry.all().filter((one) => namespacesOf(one).includes(from));
  const changes = there.flatMap(({ key }) => context.underWay.get(key) ?? []);
  if (changes.length > 0) return { end: Promise.allSettled(changes) };
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
  const comesHome = onExit === "return" || device.ofBundle === true;
  return comesHome && device.state !== "home" && !isHardware(wantedOf(device).identity);
}

/** @param to held once for this device from here on */
async function holdThere(
  context: Context,
  { attachment, at, device }: Found,
  to: string,
  ifindex: number,
): Promise<void> {
  const { registry, unreachable, heldOn } = context;
  const { key, cookie, mapping } = attachment;
  const { name } = device.snapshot.device;
  const isBack = to === cookie && !unreachable.has(key);
  // In this order: whatever is pinned is accounted for by what is on record.
  registry.updateDevice(key, at, { movedTo: isBack ? null : to, insideIfindex: ifindex });
  const { warnings } = registry.get(key) ?? attachment;
  registry.update(key, { warnings: withoutMissing({ warnings }, name) });
  if (!isBack) heldOn.set(key, [...(heldOn.get(key) ?? []), to]);
  const where = isBack ? "back to the container's namespace" : "to another namespace, which is held for it";
  const container = attachment.holders.map(({ id }) => id).join(",");
  await (isBack ? close(context, to) : pinned(context, { cookie: to, mapping }));
  // Whoever reads this may take it that the device comes home whatever dies now.
  context.log("info", `device was moved on inside ${where}`, { container, device: name, mapping });
  if (device.movedTo !== null) await letGoOn(context, key, device.movedTo);
}

function tellAstray(
  context: Context,
  attachment: Attachment,
  { snapshot }: AttachedDevice,
  { nsid, name: there }: SeenFrom,
): void {
  const { name } = snapshot.device;
  const message = `${name} was moved on to a namespace that neither a process nor a mount leads to (its number there is ${nsid}), and is called ${there} there: it is looked for again, and lost if that namespace ends before something leads there`;
  note(context, attachment, { code: "device-missing", message, device: name });
}
