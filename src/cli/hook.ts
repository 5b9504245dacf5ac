import { randomBytes } from "node:crypto";
import { parseDuration } from "../config/duration.ts";
import type { Verdict } from "../domain/verdict.ts";
import { type Dropped, drop } from "../spool/drop.ts";
import { readArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { readConfig } from "./read-config.ts";

/** A device's move takes 10 to 30 ms: whoever looks this often adds nothing that counts. */
const LOOK_AGAIN_MS = 2;

export const hook: Command = {
  usage: "hook [--timeout 30s] [--config FILE]",
  summary: "OCI hook: drops the container state of stdin, and waits for the devices",
  details: `For createRuntime (the devices are there before the container's own process starts) and poststop.
An event that no daemon has taken in time is withdrawn.
Exit: 0 the devices are ready, are home, or no mapping is for the container; 1 refused or failed.`,
  async run(args) {
    const { config: file, values } = readArguments(args, [], { least: 0, most: 0 }, ["timeout"]);
    const given = values.get("timeout") ?? "30s";
    const timeout = parseDuration(given);
    if (timeout === null) throw new UsageError(`--timeout "${given}" is no duration such as "30s"`);
    const config = await readConfig(file);
    if (config === null) return 1;
    const state = await Bun.stdin.bytes();
    const name = `hook-${Date.now()}-${process.pid}-${randomBytes(4).toString("hex")}.json`;
    let dropped: Dropped;
    try {
      dropped = drop(config.daemon, name, state);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return fail(`the event cannot be dropped: ${why}; is netdevd installed and running, and are you root?`);
    }
    const verdict = await answerOf(dropped, timeout);
    return verdict === null ? giveUp(dropped, given) : tell(verdict);
  },
};

async function answerOf(dropped: Dropped, timeout: number): Promise<Verdict | null> {
  const end = performance.now() + timeout;
  for (;;) {
    const verdict = dropped.verdict();
    if (verdict !== null || performance.now() >= end) return verdict;
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

function giveUp(dropped: Dropped, timeout: string): number {
  if (dropped.withdraw()) {
    return fail(
      `no daemon took the event in ${timeout}: is netdevd running? \`systemctl start netdevd\` starts it`,
    );
  }
  // Should the devices arrive yet: the runtime gives the container up now, and they go home with its end.
  return fail(`no answer came in ${timeout}: \`netdevd status\` tells what it waits for`);
}

function tell(verdict: Verdict): number {
  const container = verdict.id === null ? "" : `container ${verdict.id}: `;
  for (const { message } of verdict.warnings) console.error(`netdevd hook: ${container}warning: ${message}`);
  if (verdict.outcome !== "refused" && verdict.outcome !== "failed") return 0;
  const why = verdict.error === null ? "" : `: ${verdict.error.message} (${verdict.error.code})`;
  return fail(`${container}${verdict.outcome}${why}`);
}

function fail(message: string): number {
  console.error(`netdevd hook: ${message}`);
  return 1;
}
