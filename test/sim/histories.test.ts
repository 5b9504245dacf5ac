import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { historyOf } from "./history/history.ts";
import type { Report } from "./history/many.ts";
import { play } from "./history/play.ts";
import { failureText, shrink } from "./history/shrink.ts";
import { addUp, type Tally, tallyText } from "./history/tally.ts";

// Whatever happens in whatever order, every device is where it is wanted, or home as it was, or gone because somebody
// deleted it, or told as stuck. `--all` plays a million, `--seed 4711` one and tells it, `--first 1` is where to begin.

/** More where nobody waits for them. */
const HISTORIES = Number(process.env.HISTORIES ?? (process.env.CI === undefined ? 4_000 : 100_000));
const FIRST = Number(process.env.FIRST ?? 1);
const HOUR_MS = 3_600_000;

/** What has to have happened in each thousand histories, or they prove less than they say. */
const AT_LEAST: Readonly<Record<string, number>> = {
  containers: 300,
  "containers killed": 100,
  "containers in the namespace of another one": 20,
  pods: 100,
  "containers that share devices": 10,
  "containers that share a part": 3,
  "moved by their runtime": 50,
  "events by path": 50,
  "events again": 30,
  "events while no daemon ran": 30,
  "stopped while alive": 10,
  "pids reused": 20,
  "impossible targets": 20,
  "daemons killed with events under way": 100,
  "daemons killed in the middle of their work": 10,
  "daemons killed while they recovered": 2,
  "changes refused": 20,
  "questions refused": 10,
  "system calls failed": 10,
  "journal writes failed": 10,
  "pins failed": 2,
  "clocks set": 20,
  "configs reloaded": 20,
  "at home: names taken": 40,
  "at home: renamed": 10,
  "at home: vanished": 20,
  "at home: appeared": 20,
  "inside: renamed": 1,
  "inside: given another MAC": 1,
  "inside: deleted": 1,
  "inside: moved on": 1,
  "code moved-by-runtime": 10,
  "code device-not-allowed": 30,
  "verdict attached": 100,
  "verdict refused": 100,
  "verdict failed": 10,
  "verdict returned": 5,
  "verdict no-mapping": 5,
  "verdict unchanged": 100,
};

/** Plays them in as many processes as there are cores. */
async function playAll(): Promise<{ readonly tally: Tally; readonly failures: readonly string[] }> {
  const cores = availableParallelism();
  const script = new URL("./history/many.ts", import.meta.url).pathname;
  const reports = await Promise.all(
    Array.from({ length: cores }, async (_, at): Promise<Report> => {
      const count = Math.max(0, HISTORIES - at);
      const command = [process.execPath, script, ...[FIRST + at, count, cores].map(String)];
      const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
      const text = await new Response(child.stdout).text();
      return (await child.exited) === 0 ? JSON.parse(text) : { tally: [], failure: "a process broke off" };
    }),
  );
  const tally: Tally = new Map();
  for (const report of reports) addUp(tally, report.tally);
  return { tally, failures: reports.flatMap(({ failure }) => failure ?? []) };
}

if (process.env.SEED === undefined) {
  test(
    `${HISTORIES} histories`,
    async () => {
      const { tally, failures } = await playAll();
      console.log(tallyText(tally));
      expect(failures.join("\n\n")).toBe("");
      expect(tally.get("histories")).toBe(HISTORIES);
      const missed = Object.entries(AT_LEAST).filter(
        ([what, times]) => (tally.get(what) ?? 0) < Math.floor((times * HISTORIES) / 1000),
      );
      expect(missed).toEqual([]);
    },
    HOUR_MS,
  );
} else {
  const seed = Number(process.env.SEED);
  test(
    `history ${seed}`,
    async () => {
      const outcome = await play(historyOf(seed), new Map());
      console.log(outcome.trace.join("\n"));
      const failure = outcome.faults.length === 0 ? "" : failureText(seed, await shrink(historyOf(seed)));
      expect(failure).toBe("");
    },
    HOUR_MS,
  );
}
