import { withAdditions } from "../domain/additions.ts";
import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { isStandIn } from "../domain/clash.ts";
import { isHardware } from "../domain/device.ts";
import { differences, type Goal, type Located, plan } from "../domain/plan.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { separately } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, departureOf } from "./context.ts";
import type { StepFailure } from "./executor.ts";
import type { Applied } from "./kernel.ts";
import { close } from "./let-go.ts";
import { type NotHome, nowhere, outOfReach } from "./not-home.ts";
import { secondBest, withNamesThatAreFree } from "./second-best.ts";
import { lastSeenIn, trace, wantedIn, wantedOf } from "./whereabouts.ts";

/**
 * How often a device that did not come home as it was is seen to at once: something may be in its way, and
 * whoever is inside may have changed it since it was looked at.
 */
const MENDS = 2;
/**
 * As long as it is something else each time it is seen to more often: udev may be at it just then, and by being taken down
 * for its name (before Linux 6.2) it loses IPv6 addresses and routes.
 */
const MENDS_AT_MOST = 8;

/** Process 1 lives in it, or in what is the initial one for all that can be seen from here. */
const INIT_NET = "/proc/1/ns/net";

/** What became of one device. */
export type DeviceHomecoming = { readonly home: Snapshot; readonly warnings: readonly Problem[] } | NotHome;

/** Leads one device from wherever and whatever it is now to its journalled Snapshot. */
export async function deviceHome(
  context: Context,
  attachment: Attachment,
  device: AttachedDevice,
): Promise<DeviceHomecoming> {
  const seenIn = lastSeenIn(context, attachment, device);
  const away = device.movedTo === null ? () => "is still inside" : isElsewhere;
  // Each time anew: others may come there meanwhile.
  const wanted = () => wantedIn(context, seenIn, device);
  const found = await context.kernel.locate(seenIn, wanted());
  if (found !== null) {
    const came = await leadHome(context, seenIn, device, found, away);
    if (came !== null) return came;
  }
  const followed = await trace(context, attachment, device);
  if (followed?.ok === true) {
    const there = { ...device, insideIfindex: followed.ifindex };
    const came = await fromElsewhere(context, followed.cookie, there, isElsewhere);
    if (came !== null) return came;
  }
  const told = (await fromTold(context, attachment, device)) ?? (await fromOwn(context, attachment, device));
  if (told !== null) return told;
  const isHard = isHardware(wantedOf(device).identity);
  // Hardware is known by more than its looks, wherever else it is to be looked for.
  if (followed?.ok === false && (followed.seen !== null || !isHard)) return outOfReach(device, followed);
  // Only now: one of the container's own may look like it.
  const guessed = await context.kernel.locate(seenIn, { ...wanted(), guess: true });
  if (guessed !== null) {
    const came = await leadHome(context, seenIn, device, guessed, away);
    if (came !== null) return came;
  }
  if (!isHard) return nowhere(device, null);
  // The kernel sends hardware whose namespace dies to init_net, and that need not be home.
  const initial = await context.kernel.open({ by: "netns", path: INIT_NET }, context.uptime());
  const notFound = (unseen: Problem | null) =>
    followed?.ok === false ? outOfReach(device, followed) : nowhere(device, unseen);
  if (!initial.ok) return notFound(initial.problem);
  const fallen = { ...device, insideIfindex: null };
  const came = await fromElsewhere(context, initial.cookie, fallen, (name) => `is in init_net as ${name}`);
  return came ?? notFound(null);
}

/**
 * Leads a device home from a namespace that is held for that alone; null where it is not there.
 *
 * @param device with its ifindex in that namespace, if it is known
 */
async function fromElsewhere(
  context: Context,
  cookie: string,
  device: AttachedDevice,
  away: (name: string) => string,
): Promise<DeviceHomecoming | null> {
  try {
    const found = await context.kernel.locate(cookie, wantedIn(context, cookie, device));
    return found === null ? null : await leadHome(context, cookie, device, found, away);
  } finally {
    await close(context, cookie);
  }
}

/**
 * Leads a device home from where it went, as was told while it was looked for. It may have got another MAC inside, so
 * that nothing else would tell it from others there.
 */
async function fromTold(
  context: Context,
  attachment: Attachment,
  device: AttachedDevice,
): Promise<DeviceHomecoming | null> {
  let departure = departureOf(device.movedTo ?? attachment.cookie, device.insideIfindex);
  // It may have gone there and back.
  for (const looked = new Set<string>(); !looked.has(departure); ) {
    looked.add(departure);
    const to = context.told.get(departure);
    if (to === undefined) return null;
    const there = { ...device, insideIfindex: to.ifindex };
    const found = await context.kernel.locate(to.cookie, {
      ...wantedIn(context, to.cookie, there),
      guess: true,
    });
    const isThere = found?.place === "inside";
    const came = isThere ? await leadHome(context, to.cookie, there, found, isElsewhere) : null;
    if (came !== null) return came;
    departure = departureOf(to.cookie, to.ifindex);
  }
  return null;
}

/** From the container's own namespace, which a device that was taken to have been moved on may never have left. */
async function fromOwn(
  context: Context,
  attachment: Attachment,
  device: AttachedDevice,
): Promise<DeviceHomecoming | null> {
  const there = { ...device, movedTo: null, insideIfindex: null };
  const own = device.movedTo === null ? null : lastSeenIn(context, attachment, there);
  if (own === null) return null;
  const found = await context.kernel.locate(own, wantedIn(context, own, there));
  return found && (await leadHome(context, own, there, found, () => "is still inside"));
}

function isElsewhere(name: string): string {
  return `was moved on, and is in another namespace as ${name}`;
}

/**
 * Leads one device home from where it was found; null where it is not there any more.
 *
 * @param away what to tell of a device that is not at home after all, by its name there
 */
async function leadHome(
  context: Context,
  cookie: string | null,
  device: AttachedDevice,
  found: Located,
  away: (name: string) => string,
): Promise<DeviceHomecoming | null> {
  const { name } = device.snapshot.device;
  // Its ifindex is asked for even where the kernel would keep it: refused it stays where it is, and once it is home it is
  // known by that, whatever it was called inside.
  let goal: Goal = { place: "home", snapshot: device.snapshot, ifindex: device.snapshot.device.ifindex };
  if (found.place === "home") {
    // Led home before, it may be in use by now: what it has been given there is kept, and nothing is done twice.
    const there = found.snapshot.device;
    const isDone = context.standIns.has(there.ifindex);
    const isLed = isDone || isStandIn(there.name);
    const snapshot = isLed ? withAdditions(device.snapshot, found.snapshot) : device.snapshot;
    goal = await withNamesThatAreFree(context, found, { ...goal, snapshot });
    const isNameTaken = goal.snapshot.device.name !== name;
    if (isDone && isNameTaken) return notAsItself(device, found, null, away);
  }
  let result = await lead(context, cookie, device, found, goal, false);
  noteLanding(context, device, result);
  let lacked: string | null = null;
  for (let mends = 0; mends < MENDS_AT_MOST && result.located !== null; mends++) {
    const lacks = whatLacks(result, result.located, device);
    if (lacks === "" || (mends >= MENDS && lacks === lacked)) break;
    lacked = lacks;
    goal = await secondBest(context, result.failure, result.located, goal);
    result = await lead(context, cookie, device, result.located, goal, true);
    noteLanding(context, device, result);
  }
  const { located, failure } = result;
  if (located === null) return null;
  const there = located.snapshot.device;
  if (located.place === "home" && there.name === name) {
    context.standIns.delete(there.ifindex);
    const differs = differences(located.snapshot, device.snapshot);
    return { home: located.snapshot, warnings: differs.map((difference) => notPutBack(name, difference)) };
  }
  const hasAllButNames =
    located.place === "home" && differences(located.snapshot, goal.snapshot).length === 0;
  if (hasAllButNames) context.standIns.add(there.ifindex);
  return notAsItself(device, located, failure, away);
}

/** @param away what to tell of a device that is not at home after all, by its name there */
function notAsItself(
  { snapshot }: AttachedDevice,
  located: Located,
  failure: StepFailure | null,
  away: (name: string) => string,
): NotHome {
  const { name } = snapshot.device;
  const there = located.snapshot.device;
  const isHome = located.place === "home";
  const where = isHome ? `is home as ${there.name} until its own name is free` : away(there.name);
  const why = failure?.message ?? differences(located.snapshot, snapshot).join(", ");
  const message = `${name} ${where}: ${why}; it is tried again by itself, or by \`netdevd release\``;
  const problem: Problem = { code: "stuck", message, device: name };
  return { home: null, gone: false, mayBeInside: !isHome, ifindex: isHome ? there.ifindex : null, problem };
}

/** Until it is on record where it is; see {@link Context.landing}. */
function noteLanding({ landing }: Context, { snapshot }: AttachedDevice, { located }: Applied): void {
  if (located?.place === "home") landing.set(located.snapshot.device.ifindex, snapshot.device);
}

/** It is on record where the device is. */
export function landed({ landing }: Context, { snapshot }: AttachedDevice): void {
  for (const [ifindex, device] of landing) if (device === snapshot.device) landing.delete(ifindex);
}

/** In what it is not home as it was; empty: it is. */
function whatLacks({ failure }: Applied, { place, snapshot }: Located, device: AttachedDevice): string {
  const differs = differences(snapshot, device.snapshot);
  return [failure?.message ?? "", place === "home" ? "" : place, ...differs]
    .filter((one) => one !== "")
    .join("; ");
}

/** Carries out what leads from what is to the goal. */
export async function lead(
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
  return context.kernel.apply(cookie, from, wantedIn(context, cookie, device), each, carryOn);
}

function notPutBack(name: string, difference: string): Problem {
  return { code: "not-as-wanted", message: `${name} is home, and its ${difference}`, device: name };
}
