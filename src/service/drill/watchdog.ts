import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allocate } from "../../../ffi/memory.ts";
import { makeNamespace } from "../../../ffi/netns.ts";
import { createLinux } from "../../engine/linux.ts";
import type { Log } from "../../engine/log.ts";
import { pinsIn } from "../../engine/pins.ts";
import type { System } from "../../engine/system.ts";
import { PINS } from "../folders.ts";
import { bringHomeFrom } from "./left.ts";
import { linesOf } from "./lines.ts";
import { createTimeline } from "./timeline.ts";

/** What a watchdog is to watch over. */
export interface Charge {
  /** The drill's state folder. */
  readonly folder: string;
  readonly device: string;
  /** The drill's pid, which has to be the parent. */
  readonly drill: number;
  /** How long the drill may take until it says that all is home, milliseconds. */
  readonly patience: number;
}

/** How the drill ended, seen from here. */
type End = "done" | "died" | "late";

/** What the links do is asked for this often, which is how exact the times are. */
const LISTEN_MS = 1;
const LOCK_AGAIN_MS = 20;
/** What is stuck is tried again this often, and no longer than that; whoever comes later has `netdevd release --all`. */
const TRY_AGAIN_MS = 2_000;
const GIVE_UP_MS = 600_000;
/** A path, for libc. */
const PATH_SIZE = 64;

/**
 * The watchdog of a drill: makes the namespace that the device goes to and holds it, says so on stdout, and waits.
 *
 * On stdin the drill says `home` when the device is home, `news` to be told what the links did, and `done` when nothing
 * of it is left. Should stdin end before, the drill has died, whatever of; should `home` not come in time, it is killed.
 * In both cases all that is on record in its folder is brought home from here, and the folder is taken away.
 *
 * @param say writes one line to the drill
 * @returns the exit code
 */
export async function watch(charge: Charge, say: (line: string) => void, log: Log): Promise<number> {
  const linux = createLinux();
  const namespace = makeNamespace(linux.homeFd, allocate(PATH_SIZE));
  const strays = linux.strayThreads();
  if (strays.length > 0) throw new Error(`threads were left in the new namespace: ${strays.join(", ")}`);
  using monitor = linux.monitor();
  const timeline = createTimeline(monitor);
  // Before anything is promised. What would end it otherwise ends the drill, which is enough.
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"] as const)
    process.on(signal, () => undefined);
  const listening = setInterval(timeline.listen, LISTEN_MS);
  say(JSON.stringify({ netns: `/proc/${process.pid}/fd/${namespace}` }));
  const end = await endOf(charge.patience, () => {
    timeline.listen();
    say(JSON.stringify(timeline.news));
  });
  clearInterval(listening);
  if (end === "done") return 0;
  const { device } = charge;
  const why =
    end === "died"
      ? "ended before it was done"
      : `did not say in ${charge.patience / 1000} s that it is home, and is killed`;
  log("warning", `the drill of ${device} ${why}: the watchdog brings home what is away`, { device });
  if (end === "late" && parentOf("self") === charge.drill) process.kill(charge.drill, "SIGKILL");
  let held = true;
  return await bringHome(charge, log, () => {
    if (!held || !isPinned(linux, charge.folder)) return;
    held = false;
    linux.close(namespace);
  });
}

/**
 * Whether a pin holds the namespace. The way home then begins with the pin, and takes it over as it is: found by any
 * other way, the namespace is pinned anew, and held by nothing but that way for a moment.
 */
function isPinned(linux: System, folder: string): boolean {
  const pins = pinsIn(join(folder, PINS));
  return pins.list().some((cookie) => {
    const found = linux.openNamespace(pins.path(cookie));
    if (typeof found === "string") return false;
    linux.close(found);
    return true;
  });
}

async function endOf(patience: number, tell: () => void): Promise<End> {
  const end = Promise.withResolvers<End>();
  const timer = setTimeout(() => end.resolve("late"), patience);
  const hear = async () => {
    for await (const line of linesOf(Bun.stdin.stream())) {
      if (line === "home") clearTimeout(timer);
      if (line === "news") tell();
      if (line === "done") return end.resolve("done");
    }
    end.resolve("died");
  };
  hear().catch(() => end.resolve("died"));
  const how = await end.promise;
  clearTimeout(timer);
  return how;
}

/** @param handOver lets go of the namespace, if a pin holds it */
async function bringHome({ folder, device }: Charge, log: Log, handOver: () => void): Promise<number> {
  const giveUp = performance.now() + GIVE_UP_MS;
  const told = new Set<string>();
  // What goes well is told below, and what goes on going wrong was told already.
  const tell: Log = (level, message, fields) => {
    if ((level !== "error" && level !== "warning") || told.has(message)) return;
    told.add(message);
    log(level, message, fields);
  };
  while (performance.now() < giveUp) {
    handOver();
    const why = await attempt(folder, tell);
    if (why === null) {
      log("info", `${device} is home, and nothing of the drill is left`, { device });
      return 0;
    }
    await Bun.sleep(why === "busy" ? LOCK_AGAIN_MS : TRY_AGAIN_MS);
  }
  const mend = "`netdevd release --all` tries again";
  log("error", `${device} could not be brought home; what is away is on record in ${folder}: ${mend}`, {
    device,
  });
  return 1;
}

/** Why not all is home; null: it is. */
async function attempt(folder: string, log: Log): Promise<string | null> {
  try {
    const verdict = await bringHomeFrom(folder, log);
    if (verdict === null) return "busy";
    return verdict.error?.message ?? null;
  } catch (error) {
    // Somebody else, `netdevd release --all`, has seen to it; or the drill had not begun.
    if (!existsSync(folder)) return null;
    const why = error instanceof Error ? error.message : String(error);
    log("error", `what is away could not be brought home: ${why}`, {});
    return why;
  }
}

/** PPid of a process. It is asked of /proc each time: a parent that has died is one no more. */
function parentOf(pid: number | "self"): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
