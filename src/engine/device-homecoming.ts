import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { withFreeNames } from "../domain/clash.ts";
import { type Device, isHardware } from "../domain/device.ts";
import { differences, type Goal, type Located, plan } from "../domain/plan.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { separately } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import { type Context, departureOf } from "./context.ts";
import type { StepFailure } from "./executor.ts";
import type { Applied } from "./kernel.ts";
import { close } from "./let-go.ts";
import { type NotHome, nowhere, outOfReach } from "./not-home.ts";
import { lastSeenIn, trace, wantedIn, wantedOf } from "./whereabouts.ts";

/**
 * How often a device that did not come home as it was is seen to at once: something may be in its way, and
 * whoever is inside may have changed it since it was looked at.
 */
const MENDS = 2;

/** The last ifindex that there can be. */
const INT_MAX = 0x7fffffff;

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
  if (followed?.ok === false) return outOfReach(device, followed);
  // Only now: one of the container's own may look like it.
  const guessed = await context.kernel.locate(seenIn, { ...wanted(), guess: true });
  if (guessed !== null) {
    const came = await leadHome(context, seenIn, device, guessed, away);
    if (came !== null) return came;
  }
  if (!isHardware(wantedOf(device).identity)) return nowhere(device, null);
  // The kernel sends hardware whose namespace dies to init_net, and that need not be home.
  const initial = await context.kernel.open({ by: "netns", path: INIT_NET }, context.uptime());
  if (!initial.ok) return nowhere(device, initial.problem);
  const fallen = { ...device, insideIfindex: null };
  const came = await fromElsewhere(context, initial.cookie, fallen, (name) => `is in init_net as ${name}`);
  return came ?? nowhere(device, null);
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
  // At home under another name it may be in use: it is left as it is until its own name is free.
  if (found.place === "home") goal = await withNamesThatAreFree(context, found, goal);
  let result = await lead(context, cookie, device, found, goal, false);
  noteLanding(context, device, result);
  for (let mends = 0; mends < MENDS && result.located !== null && !isHome(result, device); mends++) {
    goal = await secondBest(context, result.failure, result.located, goal);
    result = await lead(context, cookie, device, result.located, goal, true);
    noteLanding(context, device, result);
  }
  const { located, failure } = result;
  if (located === null) return null;
  const differs = differences(located.snapshot, device.snapshot);
  const there = located.snapshot.device;
  if (located.place === "home" && there.name === name) {
    const warnings = differs.map((difference) => notPutBack(name, difference));
    return { home: located.snapshot, warnings };
  }
  const where =
    located.place === "home" ? `is home as ${there.name} until its own name is free` : away(there.name);
  const why = failure?.message ?? `${differs.join(", ")}`;
  const message = `${name} ${where}: ${why}; it is tried again by itself, or by \`netdevd release\``;
  const ifindex = located.place === "home" ? there.ifindex : null;
  return { home: null, gone: false, ifindex, problem: { code: "stuck", message, device: name } };
}

/** Until it is on record where it is; see {@link Context.landing}. */
function noteLanding({ landing }: Context, { snapshot }: AttachedDevice, { located }: Applied): void {
  if (located?.place === "home") landing.set(located.snapshot.device.ifindex, snapshot.device);
}

/** It is on record where the device is. */
export function landed({ landing }: Context, { snapshot }: AttachedDevice): void {
  for (const [ifindex, device] of landing) if (device === snapshot.device) landing.delete(ifindex);
}

function isHome({ failure, located }: Applied, device: AttachedDevice): boolean {
  if (failure !== null || located?.place !== "home") return false;
  return differences(located.snapshot, device.snapshot).length === 0;
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

/**
 * What can be reached of `goal` where the own name, an altname or the ifindex has been taken meanwhile. Drivers say EBUSY
 * as well, for reasons of their own.
 */
async function secondBest(
  context: Context,
  failure: StepFailure | null,
  located: Located,
  goal: Goal,
): Promise<Goal> {
  if (failure?.errno !== "EBUSY" && failure?.errno !== "EEXIST") return goal;
  const others = await othersAtHome(context, located);
  const isTaken = failure.errno === "EBUSY" && others.some(({ ifindex }) => ifindex === goal.ifindex);
  // Whoever has the ifindex may have come by the name as well, and the kernel looks at the ifindex first.
  return withNamesFreeOf(others, isTaken ? { ...goal, ifindex: nobodys(context, others) } : goal);
}

/** An ifindex that is free at home, and is not to be had by one of ours that is still to come there. */
function nobodys({ registry }: Context, others: readonly Device[]): number | null {
  const away = registry.all().flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device));
  const next = Math.max(...[...others, ...away].map(({ ifindex }) => ifindex)) + 1;
  return next > INT_MAX ? null : next;
}

/** `goal` as far as its names are nobody else's at home. */
export async function withNamesThatAreFree(context: Context, located: Located, goal: Goal): Promise<Goal> {
  return withNamesFreeOf(await othersAtHome(context, located), goal);
}

async function othersAtHome(context: Context, { place, snapshot }: Located): Promise<Device[]> {
  const own = place === "home" ? snapshot.device.ifindex : null;
  return (await context.kernel.devices()).filter(({ ifindex }) => ifindex !== own);
}

function withNamesFreeOf(others: readonly Device[], goal: Goal): Goal {
  return { ...goal, snapshot: withFreeNames(goal.snapshot, others) };
}

function notPutBack(name: string, difference: string): Problem {
  return { code: "not-as-wanted", message: `${name} is home, and its ${difference}`, device: name };
}
