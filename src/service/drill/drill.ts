import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { closeFd, openReadOnly } from "../../../ffi/netns.ts";
import type { ContainerEvent, ReleaseEvent } from "../../domain/event.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { Problem, Verdict } from "../../domain/verdict.ts";
import type { Log } from "../../engine/log.ts";
import { engineAlone } from "../engine-alone.ts";
import { type StateLock, takeLock } from "../lock.ts";
import type { Candidate } from "./candidate.ts";
import { compare, type Thing } from "./compare.ts";
import { drillFolderName, removeDrillFolder, tryToPin } from "./left.ts";
import { createObserver, type Observer } from "./observer.ts";
import { now, type Times, timesOf } from "./timeline.ts";
import type { Watchdog } from "./watchdog-process.ts";

/** A drill that is to be. */
export interface DrillPlan {
  /** The daemon's state folder, in which the drill makes its own. */
  readonly state: string;
  readonly candidate: Extract<Candidate, { ok: true }>;
  /** Resolves when the device is to come home again. */
  readonly stay: () => Promise<unknown>;
  /** Starts the watchdog, of a drill that has this folder. */
  readonly watchdog: (folder: string) => Promise<Watchdog>;
  /** What to do before anything is touched: to tell of it. */
  readonly before: (watchdog: Watchdog) => void;
}

/** What came of a drill. */
export interface DrillReport {
  readonly device: string;
  /** What it had, and what became of it; empty where it was not taken away, or is not home. */
  readonly things: readonly Thing[];
  readonly times: Times & {
    /** From its leaving until everything was put back. */
    readonly whole: number | null;
  };
  readonly warnings: readonly Problem[];
  /** Why it was not taken away, or is not home; null where it was, and is. */
  readonly error: string | null;
}

const NOT_HEARD = { gone: null, withoutCarrier: null, whole: null } as const;
/** A link that is negotiated anew takes two to five seconds. */
const CARRIER_MS = 10_000;
/** What the kernel makes by itself, it makes by then, duplicate address detection over, but for what routers tell. */
const ANEW_MS = 3_000;
const LOOK_AGAIN_MS = 50;
const LOCK_TRIES = 20;

/** Takes a device to a namespace that has nothing in it and home again, with a watchdog beside. */
export async function drill(plan: DrillPlan, log: Log): Promise<DrillReport> {
  const folder = join(plan.state, drillFolderName(process.pid));
  // First of all: whatever comes now, there is somebody to clear it away.
  await using watchdog = await plan.watchdog(folder);
  makeFolder(folder);
  using _lock = await lockOf(folder);
  try {
    const why = whyNotSafe(folder, watchdog);
    return why === null ? await thereAndBack(plan, folder, watchdog, log) : failed(plan, why);
  } finally {
    // What is on record there stays, for the watchdog.
    if (removeDrillFolder(folder)) watchdog.done();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(folder)) throw error;
    throw new Error(`${folder} is left of another drill: \`netdevd release --all\` takes it away`);
  }
}

/** Whoever asks what drills there are has it for a moment. */
async function lockOf(folder: string): Promise<StateLock> {
  for (let tries = LOCK_TRIES; ; tries--) {
    const locked = takeLock(folder);
    if (locked.ok) return locked.lock;
    if (tries === 0) throw new Error(`${folder} is locked by ${locked.by}`);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** Whether the device would be held if we died the moment after. */
function whyNotSafe(folder: string, watchdog: Watchdog): string | null {
  const fd = openReadOnly(watchdog.netns);
  try {
    const why = tryToPin(folder, fd);
    if (why !== null) return `a namespace cannot be kept in ${folder}: ${why}; nothing was touched`;
    return watchdog.isAlive() ? null : "the watchdog has ended; nothing was touched";
  } finally {
    closeFd(fd);
  }
}

async function thereAndBack(
  plan: DrillPlan,
  folder: string,
  watchdog: Watchdog,
  log: Log,
): Promise<DrillReport> {
  using observer = createObserver();
  using alone = await engineAlone(folder, [plan.candidate.mapping], log);
  const { engine } = alone;
  const { ifindex, name } = plan.candidate.device;
  plan.before(watchdog);
  const before = observer.look(ifindex);
  if (before === null) return failed(plan, `${name} is not there any more; nothing was touched`);
  const attached = await engine.handle(event(watchdog.netns));
  if (attached.outcome === "attached") await plan.stay();
  // The way home is the same whether it is inside or got there by halves.
  const released = engine.attachments().length === 0 ? null : await engine.handle(release());
  const homeAt = now();
  if (engine.attachments().length > 0) {
    const why = released?.error?.message ?? `${name} is not home`;
    return failed(plan, `${why}; the watchdog (pid ${watchdog.pid}) goes on trying`);
  }
  watchdog.home();
  await engine.lookedAfter();
  const number = released?.devices[0]?.ifindex ?? ifindex;
  const after = await settled(observer, before, number);
  const news = await watchdog.news();
  if (after === null)
    return failed(plan, whyGone(attached, released) ?? `${name} is not to be found at home`);
  const was = { ifindex, hadCarrier: before.device.operstate === "up" };
  const left = news?.find((one) => one.gone && one.ifindex === ifindex)?.at ?? null;
  return {
    device: name,
    things: compare(before, after),
    times: {
      ...(news === null ? NOT_HEARD : timesOf(news, was, number)),
      whole: left === null ? null : homeAt - left,
    },
    warnings: [...attached.warnings, ...(released?.warnings ?? [])],
    error: attached.outcome === "attached" ? null : (attached.error?.message ?? attached.outcome),
  };
}

function failed({ candidate }: DrillPlan, error: string): DrillReport {
  return { device: candidate.device.name, things: [], times: NOT_HEARD, warnings: [], error };
}

/** In the words of the way home, if it has any. */
function whyGone(attached: Verdict, released: Verdict | null): string | null {
  return [released?.error, ...(released?.warnings ?? []), attached.error].find((one) => one)?.message ?? null;
}

/** What a device is once its link is what it was, and the kernel has made what it makes; or what it is by then. */
async function settled(observer: Observer, before: Snapshot, number: number): Promise<Snapshot | null> {
  const start = performance.now();
  for (;;) {
    const after = observer.look(number);
    if (after === null) return null;
    const waited = performance.now() - start;
    const lacksCarrier = before.device.operstate === "up" && after.device.operstate !== "up";
    if (lacksCarrier ? waited > CARRIER_MS : waited > ANEW_MS || isComplete(before, after)) return after;
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

function isComplete(before: Snapshot, after: Snapshot): boolean {
  return compare(before, after).every(({ fate, told }) => fate !== "anew" || told === null);
}

/** To the engine the namespace is a container's that is known by a path. */
function event(netns: string): ContainerEvent {
  return {
    type: "container",
    name: "drill.json",
    id: "drill",
    status: "running",
    target: { by: "netns", path: netns },
    bundle: null,
    annotations: {},
    writtenAt: Date.now(),
  };
}

function release(): ReleaseEvent {
  return { type: "release", name: "drill.json", id: null };
}
