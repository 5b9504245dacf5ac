import { afterAll, expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { startDrill, startDrillBehind } from "../helpers/drill.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { pictureOf } from "../helpers/picture.ts";
import { processesNaming } from "../helpers/proc.ts";
import { until } from "../helpers/until.ts";
import { sliceOf } from "./slice.ts";
import { ERRORS, trace } from "./strace.ts";

// `netdevd drill` under strace: SIGKILL in front of its Nth call of each system call by which it acts, and the same calls
// failing; and its watchdog in the same way while it brings home what a drill that was killed has left. Whatever comes,
// the device is home with all that it had: by the drill, by its watchdog, or by `netdevd release --all`.

const CALLS = [
  "sendto",
  "setns",
  "mount",
  "umount2",
  "mkdir",
  "pwrite64",
  "ftruncate",
  "unlink",
  "rmdir",
] as const;
const MENDED_WITHIN = { within: 15_000 };
const PATIENCE_MS = 60_000;

interface Case {
  readonly who: "drill" | "watchdog";
  /** In the words of strace(1). */
  readonly injection: string;
}

const lab = await Lab.create();
afterAll(() => lab[Symbol.asyncDispose]());
await lab.host.ip(
  ...makeDevice("veth", "d0"),
  ...furnish("d0"),
  "route add 10.1.0.0/16 via 192.0.2.254 dev d0 metric 5",
  "neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev d0 nud permanent",
);
lab.configure("");
const before = await pictureOf(lab.host);

const all = [...casesOf("drill", await rehearsedDrill()), ...casesOf("watchdog", await rehearsedWatchdog())];
const cases = sliceOf(all, 0.3);
console.log(`faults in a drill by strace: ${cases.length} of ${all.length}`);
expect(all.length).toBeGreaterThan(100);

for (const one of cases) test(`${one.who}: ${one.injection}`, () => play(one), PATIENCE_MS);

async function play({ who, injection }: Case): Promise<void> {
  if (who === "drill") await drillUnder(injection, "case.strace");
  else await watchdogUnder(injection);
  // One that has just died may have the lock yet.
  await until("nothing to be left of the drill", async () => {
    if (drills().length === 0) return true;
    const { code, stdout, stderr } = await lab.netdevd("release", "--all");
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    return false;
  });
  expect(await pictureOf(lab.host)).toEqual(before);
}

/** A drill that meets with this, and the end of all that it has started. */
async function drillUnder(injection: string | null, log: string): Promise<string> {
  const path = join(lab.folder, log);
  const inject = injection === null ? [] : ["-e", `inject=${injection}`];
  // Its own thread, and not the watchdog's.
  const strace = [
    "strace",
    "-o",
    path,
    "-e",
    `trace=${CALLS.map((call) => `?${call}`).join(",")}`,
    ...inject,
  ];
  const drill = startDrillBehind(strace, lab, "d0");
  await drill.exited;
  await nobodyLeft();
  return path;
}

/** A watchdog whose drill is killed while the device is away, and that meets with this then. */
async function watchdogUnder(injection: string | null) {
  const drill = startDrill(lab, "d0", "--stay", "60s");
  await until("the device to be away", async () => !(await lab.host.names()).includes("d0"));
  const tracer = await trace(drill.watchdog(), join(lab.folder, "watchdog.strace"), injection);
  drill.kill("SIGKILL");
  await nobodyLeft();
  await tracer[Symbol.asyncDispose]();
  return tracer.counts();
}

/** Not by their namespaces: under strace they take their time in those that they enter for a moment. */
async function nobodyLeft(): Promise<void> {
  await until("drill and watchdog to end", () => processesNaming(lab.folder).length === 0, MENDED_WITHIN);
}

function drills(): string[] {
  return readdirSync(lab.state).filter((name) => name.startsWith("drill-"));
}

async function rehearsedDrill(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(await drillUnder(null, "rehearsal.strace"), "utf8").split("\n")) {
    const [, name] = /^(\w+)\(/.exec(line) ?? [];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

async function rehearsedWatchdog(): Promise<ReadonlyMap<string, number>> {
  return await watchdogUnder(null);
}

function casesOf(who: Case["who"], counts: ReadonlyMap<string, number>): Case[] {
  return CALLS.flatMap((call) =>
    Array.from({ length: counts.get(call) ?? 0 }, (_, at) => at + 1).flatMap((when) =>
      ["signal=KILL", ...(ERRORS[call] ?? []).map((error) => `error=${error}`)].map((what) => ({
        who,
        injection: `${call}:${what}:when=${when}`,
      })),
    ),
  );
}
