import { afterAll, expect } from "bun:test";
import { test } from "../helpers/live-test.ts";
import { faultsOf, faultText } from "./faults.ts";
import type { Effect, Fault } from "./injector.ts";
import type { Answer } from "./player.ts";
import { sliceOf } from "./slice.ts";
import { type Picture, Stage } from "./stage.ts";

// The real engine on the real kernel. Each thing that it does to kernel and disk, from the first look at an event
// to the last device that is home, fails in each way that is plausible, and the daemon dies before and behind it.
// However that is: wholly as it was before, or wholly as it was wanted, and the status says which.

/** Something that is done to a stage, and everything that it takes may fail. */
interface Phase {
  readonly title: string;
  /** Whether a device is in a namespace within the container where all is as it was wanted. */
  readonly isMovedOn?: boolean;
  /** What has to be before. */
  prepare(stage: Stage): Promise<unknown>;
  act(stage: Stage, fault: Fault | null): Promise<Answer>;
}

const attached = async (stage: Stage) => {
  await stage.start();
  const { verdict } = await stage.attach();
  expect(verdict?.outcome).toBe("attached");
};

const settled = (stage: Stage, fault: Fault | null = null) => stage.order({ do: "settle", fault });

const movedOn = async (stage: Stage) => {
  await attached(stage);
  await stage.moveOn();
  await settled(stage);
};

const PHASES: readonly Phase[] = [
  { title: "an attach", prepare: (stage) => stage.start(), act: (stage, fault) => stage.attach(fault) },
  { title: "a return by `stopped`", prepare: attached, act: (stage, fault) => stage.stop(fault) },
  {
    title: "a return by the container's end",
    async prepare(stage) {
      await attached(stage);
      await stage.killContainer();
    },
    act: settled,
  },
  {
    title: "following a device that is moved on inside",
    isMovedOn: true,
    async prepare(stage) {
      await attached(stage);
      await stage.moveOn();
    },
    act: settled,
  },
  {
    title: "a return of what was moved on inside",
    isMovedOn: true,
    prepare: movedOn,
    act: (stage, fault) => stage.stop(fault),
  },
  {
    title: "a start after a death in the middle of an attach",
    async prepare(stage) {
      await stage.start();
      const { effects } = await stage.attach();
      await stage.stop();
      // The last thing that an attach does is to put on record that it is done.
      const at = effects.findLastIndex(({ what }) => what === "update") + 1;
      expect((await stage.attach({ at, how: "kill", code: null })).killed).toBe(true);
      await stage.order({ do: "kill" });
    },
    act: (stage, fault) => stage.start(fault),
  },
];

interface Case {
  readonly phase: Phase;
  readonly fault: Fault;
  readonly text: string;
  /** With a kill: whether the container ends while no daemon runs. */
  readonly bereft: boolean;
}

/** A stage, and what there is to see on it when all devices are home and when all are inside. */
interface Setting {
  readonly stage: Stage;
  readonly before: Picture;
  readonly inside: Picture;
  /** And when the container has moved one of them on. */
  readonly movedOn: Picture;
}

async function setUp(): Promise<Setting> {
  const stage = await Stage.create();
  const before = await stage.picture();
  await attached(stage);
  const inside = await stage.picture();
  await stage.moveOn();
  await settled(stage);
  const movedOn = await stage.picture();
  await tidy(stage);
  await expectPicture(stage, before);
  return { stage, before, inside, movedOn };
}

let setting = await setUp();

afterAll(() => setting.stage[Symbol.asyncDispose]());

const all: Case[] = [];
for (const phase of PHASES) {
  await phase.prepare(setting.stage);
  const { effects } = await phase.act(setting.stage, null);
  all.push(...casesOf(phase, effects));
  await tidy(setting.stage);
}
const cases = sliceOf(all);
console.log(`faults in the daemon's own process: ${cases.length} of ${all.length}`);
expect(all.length).toBeGreaterThan(300);

for (const [at, one] of cases.entries()) test(`${at + 1}: ${one.phase.title}: ${one.text}`, () => play(one));

function casesOf(phase: Phase, effects: readonly Effect[]): Case[] {
  return faultsOf(effects).flatMap((fault) => {
    const text = faultText(effects, fault);
    const one = { phase, fault, text, bereft: false };
    const isKill = fault.how === "kill" || fault.how === "kill-after";
    return isKill ? [one, { ...one, text: `${text}, and the container ends`, bereft: true }] : [one];
  });
}

async function play({ phase, fault, bereft }: Case): Promise<void> {
  const { stage } = setting;
  const wanted = phase.isMovedOn === true ? setting.movedOn : setting.inside;
  try {
    await phase.prepare(stage);
    let answer = await phase.act(stage, fault);
    if (answer.killed) {
      await stage.order({ do: "kill" });
      if (bereft) await stage.killContainer();
      answer = await stage.start();
    } else {
      expectVerdict(answer);
    }
    // Said to be stuck, it may be anywhere; nothing else may.
    if (!isStuck(answer)) await expectWhole(answer, wanted);
    for (let tries = 0; isStuck(answer) && tries < 2; tries++) answer = await stage.order({ do: "retry" });
    await expectWhole(answer, wanted);
    await tidy(stage);
    await expectPicture(stage, setting.before);
    expect(stage.leftovers()).toEqual([]);
  } catch (error) {
    // What one case has spoilt is not the next one's.
    await stage[Symbol.asyncDispose]();
    setting = await setUp();
    throw error;
  }
}

/** Brings home what is inside, and ends the daemon. */
async function tidy(stage: Stage): Promise<void> {
  const { verdict } = await stage.stop();
  expect(verdict?.outcome).toBeOneOf(["returned", "unchanged"]);
  // What could not be forgotten is forgotten by the next try.
  await stage.order({ do: "retry" });
  await stage.order({ do: "kill" });
  await stage.endNested();
}

const isStuck = ({ attachments }: Answer) =>
  attachments.some(({ state, error }) => state === "stuck" || error?.code === "stuck");

/** The verdict, where there is one, says what the status says. */
function expectVerdict(answer: Answer): void {
  const { verdict, attachments } = answer;
  if (isStuck(answer)) {
    expect(attachments).toMatchObject([{ error: { code: "stuck" } }]);
    if (verdict !== null) expect(verdict).toMatchObject({ outcome: "failed", error: { code: "stuck" } });
  } else if (verdict?.outcome === "attached") {
    expect(attachments).toMatchObject([{ state: "attached" }]);
  } else if (verdict !== null) {
    expect(attachments).toEqual([]);
    expect(verdict.error === null).toBe(verdict.outcome === "returned" || verdict.outcome === "unchanged");
  }
}

/** Wholly as before, or wholly as wanted, by the status' own word. */
async function expectWhole({ attachments, log }: Answer, wanted: Picture): Promise<void> {
  const states = attachments.map(({ state }) => state);
  expect({ log, states }).toEqual({ log, states: states.length === 0 ? [] : ["attached"] });
  await expectPicture(setting.stage, states.length === 0 ? setting.before : wanted);
}

/** The kernel adds the local route to an IPv6 address a moment after it has acknowledged the address. */
async function expectPicture(stage: Stage, expected: Picture): Promise<void> {
  const end = performance.now() + 1000;
  for (;;) {
    const picture = await stage.picture();
    if (Bun.deepEquals(picture, expected)) return;
    if (performance.now() > end) expect(picture).toEqual(expected);
    await Bun.sleep(20);
  }
}
