import { addressKey } from "../domain/address.ts";
import type { AttachedDevice } from "../domain/attachment.ts";
import { differences, type Goal, type Located } from "../domain/plan.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { Context } from "./context.ts";
import { lead, withNamesThatAreFree } from "./device-homecoming.ts";
import type { LogFields } from "./log.ts";
import { wantedOf } from "./whereabouts.ts";

/** Who else acts on devices at home. */
export interface Others {
  /** Whether udev has dealt with all that it was told of. */
  settled(): boolean;
  /** Whether somebody who configures networks has this device in hand. */
  manages(ifindex: number): boolean;
}

/** How often it is asked whether udev has settled, and for how long; milliseconds. */
const SETTLE_PAUSE = 100;
const SETTLE_LIMIT = 5000;
/** When a device that somebody manages is looked at again: networkd has configured it within five seconds. */
const LATER = [1000, 5000, 10_000] as const;
/** How often it is put back: with somebody who keeps undoing that nobody quarrels. */
const MENDS = 2;

/**
 * Looks after a device that has come home to where others act: udev may rename it and give it another MAC or MTU,
 * and who configures the network may take away what it does not know. What is not as it was when the device came
 * home is put back as soon as udev has settled; later only of what somebody manages, for all else that changes by
 * then is changed by a person who means it. So is, at any time, that it is the port of another master or of none:
 * no manager does that to a device of its own accord.
 *
 * @param home the device as it was when it came home
 */
export async function lookAfter(
  context: Context,
  others: Others,
  device: AttachedDevice,
  home: Snapshot,
  fields: LogFields,
): Promise<void> {
  const known = { ...device, snapshot: home };
  const { ifindex } = home.device;
  context.lookedAfter.set(ifindex, home);
  let mends = 0;
  const look = () =>
    // Nobody is to choose it while it is being mended.
    context.choosing.run(async () => {
      // It has been away again meanwhile, and what it has come home to now counts.
      if (context.lookedAfter.get(ifindex) !== home) return false;
      const located = await seen(context, known);
      if (located === null) return false;
      const differs = differences(located.snapshot, home);
      if (differs.length === 0) return true;
      if (located.snapshot.device.master !== home.device.master) return false;
      const what = `somebody else changed ${home.device.name} after it had come home: its ${differs.join(", its ")}`;
      const goal = await goalFor(context, known, located);
      const isLeft = mends === MENDS || goal.snapshot.device.name !== home.device.name;
      const outcome =
        mends === MENDS ? `put back ${MENDS} times, and left so now` : "its name is another's by now";
      context.log("warning", `${what}; ${isLeft ? outcome : "put back"}`, fields);
      if (isLeft) return false;
      mends += 1;
      const { located: there } = await lead(context, null, known, located, goal, true);
      // Where it had to be taken down for that, it has lost more than was seen.
      if (there !== null) await lead(context, null, known, there, await goalFor(context, known, there), true);
      return true;
    });

  await atEachTime(context, others, ifindex, look);
  if (context.lookedAfter.get(ifindex) === home) context.lookedAfter.delete(ifindex);
}

/** Looks when udev has settled, and later as long as somebody manages the device and `look` does not end it. */
async function atEachTime(
  context: Context,
  others: Others,
  ifindex: number,
  look: () => Promise<boolean>,
): Promise<void> {
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => context.alarm(milliseconds, resolve));
  let waited = 0;
  do {
    await pause(SETTLE_PAUSE);
    waited += SETTLE_PAUSE;
  } while (!others.settled() && waited < SETTLE_LIMIT);
  if (!(await look())) return;
  for (const at of LATER) {
    if (at <= waited) continue;
    await pause(at - waited);
    waited = at;
    if (others.manages(ifindex) && !(await look())) return;
  }
}

/**
 * The device at home; null where it is there no more, or is another container's by now. A VF that was made anew in
 * its place is known by that, and is nobody's business: it has never been away.
 */
async function seen(context: Context, device: AttachedDevice): Promise<Located | null> {
  const { ifindex } = device.snapshot.device;
  const isTaken = context.registry
    .all()
    .some(({ devices }) =>
      devices.some(({ state, snapshot }) => state !== "home" && snapshot.device.ifindex === ifindex),
    );
  if (isTaken) return null;
  const located = await context.kernel.locate(null, wantedOf(device));
  return located?.place === "home" && located.snapshot.device.ifindex === ifindex ? located : null;
}

/** As it was when it came home; what somebody has given it beside is not taken away. */
async function goalFor(context: Context, { snapshot }: AttachedDevice, located: Located): Promise<Goal> {
  const own = new Set(snapshot.addresses.map(addressKey));
  const more = located.snapshot.addresses.filter((address) => !own.has(addressKey(address)));
  // First in the order of adding: what others have added is not to be taken away for the sake of ours.
  const addresses = [
    ...more.filter(({ family }) => family === "inet"),
    ...snapshot.addresses,
    ...more.filter(({ family }) => family === "inet6"),
  ];
  const goal: Goal = { place: "home", snapshot: { ...snapshot, addresses }, ifindex: null };
  return withNamesThatAreFree(context, located, goal);
}
