import { withAdditions } from "../domain/additions.ts";
import type { AttachedDevice } from "../domain/attachment.ts";
import { mayBe } from "../domain/device.ts";
import { differences, type Goal, type Located, plan } from "../domain/plan.ts";
import { withoutKernelRoutes } from "../domain/routes.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { Context } from "./context.ts";
import { lead } from "./device-homecoming.ts";
import type { LogFields } from "./log.ts";
import type { Returned, ReturnedDevices } from "./returned.ts";
import { withNamesThatAreFree } from "./second-best.ts";
import { wantedOf } from "./whereabouts.ts";

/** Who else acts on devices at home. */
export interface Others {
  /** Whether udev has dealt with all that it was told of. */
  settled(): boolean;
  /** Whether somebody who configures networks has this device in hand. */
  manages(ifindex: number): boolean;
}

/** What it takes to look after devices that have come home to where others act. */
export interface AftercareParts {
  readonly others: Others;
  /** The record of them. */
  readonly returned: ReturnedDevices;
}

/** Looks after devices that have come home. */
export interface Aftercare {
  /** Begins with one, and puts that on record. */
  begin(device: AttachedDevice, home: Snapshot, fields: LogFields): void;
  /** Goes on with those that came home a moment ago, under an earlier daemon; after recovery. */
  resume(): void;
  /** Resolves when each has been looked at once, udev having settled. */
  looked(): Promise<void>;
}

/** How often it is asked whether udev has settled, and for how long; milliseconds. */
const SETTLE_PAUSE = 100;
const SETTLE_LIMIT = 5000;
/** When a device that somebody manages is looked at again: networkd has configured it within five seconds. */
const LATER = [1000, 5000, 10_000] as const;
/** From then on whoever changes it means it, whether a daemon has run meanwhile or not. */
const END = Math.max(...LATER);
/** How often it is put back: with somebody who keeps undoing that nobody quarrels. */
const MENDS = 2;

/**
 * Looks after devices that have come home to where others act: udev may rename one and give it another MAC or MTU,
 * and who configures the network may take away what it does not know. What is not as it was when the device came
 * home is put back as soon as udev has settled; later only of what somebody manages, for all else that changes by
 * then is changed by a person who means it. So is, at any time, that it is the port of another master or of none:
 * no manager does that to a device of its own accord.
 */
export function createAftercare(context: Context, { others, returned }: AftercareParts): Aftercare {
  const firstLooks = new Set<Promise<void>>();

  function lookAfter(one: Returned): void {
    const { resolve: looked, promise } = Promise.withResolvers<void>();
    firstLooks.add(promise);
    const { device, fields } = one;
    const home = device.snapshot;
    const { ifindex } = home.device;
    context.lookedAfter.set(ifindex, home);
    const noted = () => {
      looked();
      if (context.lookedAfter.get(ifindex) === home) {
        onRecord(() => returned.put(ifindex, { ...one, looked: true }));
      }
    };
    atEachTime(context, others, one, noted, lookAt(context, device, fields))
      .then(() => {
        if (context.lookedAfter.get(ifindex) !== home) return;
        context.lookedAfter.delete(ifindex);
        onRecord(() => returned.delete(ifindex));
      })
      .catch((error) => {
        const message = `a device that is home was not looked after: ${error}`;
        context.log("error", message, { ...fields, code: "internal" });
      })
      .finally(() => {
        looked();
        firstLooks.delete(promise);
      });
  }

  return {
    begin(device, found, fields) {
      // A route that the kernel makes of an address is not there before that is proven: nobody has taken it away.
      const home = withoutKernelRoutes(found);
      const one: Returned = {
        device: { ...device, snapshot: home },
        at: context.now(),
        looked: false,
        fields,
      };
      onRecord(() => returned.put(home.device.ifindex, one));
      lookAfter(one);
    },
    resume() {
      for (const one of returned.read()) {
        const since = context.now() - one.at;
        // The clock may have been set back. And it may have come home once more just now.
        const isRecent = since >= 0 && since < END;
        if (isRecent && !context.lookedAfter.has(one.device.snapshot.device.ifindex)) lookAfter(one);
      }
      onRecord(() => returned.keepOnly(Array.from(context.lookedAfter.keys())));
    },
    async looked() {
      await Promise.all(firstLooks);
    },
  };
}

function onRecord(write: () => void): void {
  try {
    write();
  } catch {
    // The state folder cannot be written, which the journal tells: this daemon alone looks after the device.
  }
}

/** What a look comes to; "let go": that is the end of it. */
type Look = "as it was" | "put back" | "let go";

/** Looks at a device, and puts back what has changed. */
function lookAt(context: Context, known: AttachedDevice, fields: LogFields): () => Promise<Look> {
  const home = known.snapshot;
  const { ifindex } = home.device;
  let mends = 0;
  return () =>
    // Nobody is to choose it while it is being mended.
    context.choosing.run(async () => {
      // It has been away again meanwhile, and what it has come home to now counts.
      if (context.lookedAfter.get(ifindex) !== home) return "let go";
      const located = await seen(context, known);
      if (located === null) return "let go";
      const differs = differences(located.snapshot, home);
      if (differs.length === 0) return "as it was";
      if (located.snapshot.device.master !== home.device.master) return "let go";
      const what = `somebody else changed ${home.device.name} after it had come home: its ${differs.join(", its ")}`;
      const goal = await goalFor(context, known, located);
      // What is others' to make: rules, qdiscs with classes.
      if (plan(located, goal).length === 0) return "as it was";
      const isLeft = mends === MENDS || goal.snapshot.device.name !== home.device.name;
      const outcome =
        mends === MENDS ? `put back ${MENDS} times, and left so now` : "its name is another's by now";
      context.log("warning", `${what}; ${isLeft ? outcome : "put back"}`, fields);
      if (isLeft) return "let go";
      mends += 1;
      const { located: there } = await lead(context, null, known, located, goal, true);
      // Where it had to be taken down for that, it has lost more than was seen.
      if (there !== null) await lead(context, null, known, there, await goalFor(context, known, there), true);
      return "put back";
    });
}

/**
 * Looks when udev has settled, and later as long as somebody manages the device and `look` does not end it.
 *
 * @param looked told that the first look is over, or that an earlier daemon has had it
 */
async function atEachTime(
  context: Context,
  others: Others,
  { device, at: cameAt, looked: isLooked }: Returned,
  looked: () => void,
  look: () => Promise<Look>,
): Promise<void> {
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => context.alarm(milliseconds, resolve));
  // Counted from here on: the clock may be set.
  let passed = context.now() - cameAt;
  const settled = async () => {
    const limit = passed + SETTLE_LIMIT;
    do {
      await pause(SETTLE_PAUSE);
      passed += SETTLE_PAUSE;
    } while (!others.settled() && passed < limit);
  };
  /** Until nobody has had anything to say to what was put back: udev sets anew what is renamed. */
  const lookUntilStill = async () => {
    for (;;) {
      const seen = await look();
      if (seen !== "put back") return seen;
      await settled();
    }
  };
  await settled();
  const first = isLooked ? "as it was" : await lookUntilStill();
  looked();
  if (first === "let go") return;
  for (const at of LATER) {
    if (at <= passed) continue;
    await pause(at - passed);
    passed = at;
    if (!others.manages(device.snapshot.device.ifindex)) continue;
    if ((await lookUntilStill()) === "let go") return;
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
  // Nobody but who would have its number on purpose has it: by that it is known, whatever MAC it has been given.
  const wanted = wantedOf(device);
  const there = (await context.kernel.devices()).find((one) => one.ifindex === ifindex);
  if (there === undefined || !mayBe(wanted.identity, there, false)) return null;
  const identity = { ...wanted.identity, macs: [...wanted.identity.macs, there.mac] };
  const located = await context.kernel.locate(null, { ...wanted, identity });
  return located?.place === "home" && located.snapshot.device.ifindex === ifindex ? located : null;
}

/** As it was when it came home; what somebody has given it beside is not taken away. */
async function goalFor(context: Context, { snapshot }: AttachedDevice, located: Located): Promise<Goal> {
  const goal: Goal = { place: "home", snapshot: withAdditions(snapshot, located.snapshot), ifindex: null };
  return withNamesThatAreFree(context, located, goal);
}
