import fs from "node:fs";
import type { Config } from "../config/config.ts";
import type { ReleaseEvent } from "../domain/event.ts";
import type { Verdict } from "../domain/verdict.ts";
import { bringHomeFrom, drillFolders } from "../service/drill/left.ts";
import { takeLock } from "../service/lock.ts";
import { releaseAlone } from "../service/release-alone.ts";
import { stderrLog } from "../service/stderr-log.ts";
import { drop } from "../spool/drop.ts";
import { folderFaultText, makeFolder } from "../spool/folders.ts";
import { readArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { readConfig } from "./read-config.ts";

const LOOK_AGAIN_MS = 20;

export const release: Command = {
  usage: "release ID | --all [--config FILE]",
  summary: "brings devices home now, with a daemon or without",
  details: `Without a running daemon it takes the lock and does it itself. --all brings home what a drill has
left that died together with its watchdog, too.
Exit: 0 they are home, 1 one is not, or ID holds none.`,
  async run(args) {
    const { config: file, flags, positionals } = readArguments(args, ["all"], { least: 0, most: 1 });
    const [id] = positionals;
    if (flags.has("all") === (id !== undefined)) throw new UsageError("give either an ID or --all");
    const config = await readConfig(file);
    if (config === null) return 2;
    const { state } = config.daemon;
    const fault = makeFolder(fs, { path: state, access: "private" }, process.geteuid?.() ?? 0);
    if (fault !== null) {
      console.error(folderFaultText(fault));
      return 1;
    }
    const name = `release-${process.pid}-${Date.now()}.json`;
    const event: ReleaseEvent = { type: "release", name, id: id ?? null };
    // A drill's are home before it is told what else is.
    const drills = event.id === null ? await releaseDrills(state) : { code: 0, home: 0 };
    const verdict = await carryOut(config, event);
    return Math.max(drills.code, tell(event, verdict, drills.home > 0));
  },
};

async function carryOut(config: Config, event: ReleaseEvent): Promise<Verdict | null> {
  const locked = takeLock(config.daemon.state);
  if (!locked.ok) return await askDaemon(config, event);
  using _lock = locked.lock;
  return await releaseAlone(config, event, stderrLog(false));
}

/** Brings home what drills have taken that died together with their watchdogs. */
async function releaseDrills(state: string): Promise<{ code: number; home: number }> {
  let [code, home] = [0, 0];
  for (const { path, isLeft } of drillFolders(state)) {
    try {
      const verdict = isLeft ? await bringHomeFrom(path, stderrLog(false)) : null;
      if (verdict === null)
        console.error(`a drill is under way in ${path}: it brings home itself what it took`);
      else code = Math.max(code, tellProblems(verdict));
      home += verdict?.devices.length ?? 0;
    } catch (error) {
      // It is nothing that containers' devices have to stay away for.
      console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      code = 1;
    }
  }
  return { code, home };
}

/** Drops the event and waits for its verdict for as long as a daemon runs; null: it ended before. */
async function askDaemon(config: Config, event: ReleaseEvent): Promise<Verdict | null> {
  const dropped = drop(config.daemon, event.name, JSON.stringify({ release: event.id ?? true }));
  for (;;) {
    const verdict = dropped.verdict();
    if (verdict !== null) return verdict;
    const locked = takeLock(config.daemon.state);
    if (locked.ok) {
      locked.lock[Symbol.dispose]();
      return dropped.verdict();
    }
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** What is home and what is not; gives the exit code of the latter. */
function tellProblems({ devices, warnings, error }: Verdict): number {
  for (const { host_name } of devices) console.log(`${host_name} is home`);
  for (const { message } of warnings) console.error(`warning: ${message}`);
  if (error !== null) console.error(error.message);
  return error === null ? 0 : 1;
}

function tell(event: ReleaseEvent, verdict: Verdict | null, hasTold: boolean): number {
  if (verdict === null) {
    console.error("the daemon ended before it answered; run the command again");
    return 1;
  }
  tellProblems(verdict);
  if (verdict.outcome === "unchanged") {
    if (event.id === null) {
      console.log(hasTold ? "nothing else is held" : "nothing is held");
      return 0;
    }
    console.error(`no device is held for container ${event.id}`);
    return 1;
  }
  return verdict.outcome === "returned" ? 0 : 1;
}
