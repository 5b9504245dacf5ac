import fs, { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import { parseDuration } from "../config/duration.ts";
import { candidateFor } from "../service/drill/candidate.ts";
import { drill as carryOut, type DrillReport } from "../service/drill/drill.ts";
import { drillFolders } from "../service/drill/left.ts";
import { watch } from "../service/drill/watchdog.ts";
import { startWatchdog } from "../service/drill/watchdog-process.ts";
import { stderrLog } from "../service/stderr-log.ts";
import { folderFaultText, makeFolder } from "../spool/folders.ts";
import { readArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { beginningText, isAllBack, reportText } from "./drill-text.ts";
import { leftText } from "./left-text.ts";
import { readConfig } from "./read-config.ts";

export const drill: Command = {
  usage: "drill DEVICE [--force] [--stay 0s] [--timeout 30s] [--json] [--config FILE]",
  summary: "takes a device away and brings it home again, and tells what came back",
  details: `DEVICE, by a name or an altname, goes to a network namespace that has nothing in it, stays there for
--stay, and comes home. Guards hold as for a mapping; --force lifts what \`force\` lifts there.
A watchdog, a process of its own, brings it home where the drill dies of anything (its terminal's or ssh
connection's end too), or has not said within --timeout, beside --stay, that it is home. Whatever it had to
do is told in drill.log of the state folder. Where it dies too, \`netdevd release --all\` does the same.
No daemon is needed, and none is touched.
Exit: 0 all came back, 1 something did not, 2 nothing was touched: no such device, held, guarded, bad input.`,
  async run(args) {
    const given = readArguments(args, ["force", "json"], { least: 1, most: 1 }, [
      "stay",
      "timeout",
      "watchdog",
    ]);
    const [device = ""] = given.positionals;
    const stay = duration(given.values, "stay", "0s");
    const timeout = duration(given.values, "timeout", "30s");
    const watched = given.values.get("watchdog");
    if (watched !== undefined) return await watchOver(watched, device, timeout);
    const config = await readConfig(given.config);
    if (config === null) return 2;
    const fault = makeFolder(fs, { path: config.daemon.state, access: "private" }, process.geteuid?.() ?? 0);
    if (fault !== null) {
      console.error(folderFaultText(fault));
      return 2;
    }
    return await drillWith(config, device, {
      stay,
      timeout,
      force: given.flags.has("force"),
      json: given.flags.has("json"),
    });
  },
};

interface Options {
  readonly stay: number;
  readonly timeout: number;
  readonly force: boolean;
  readonly json: boolean;
}

function duration(values: ReadonlyMap<string, string>, option: string, initial: string): number {
  const given = values.get(option) ?? initial;
  const milliseconds = parseDuration(given);
  if (milliseconds === null) throw new UsageError(`--${option} "${given}" is no duration such as "30s"`);
  return milliseconds;
}

async function drillWith(config: Config, name: string, options: Options): Promise<number> {
  const { state } = config.daemon;
  for (const left of drillFolders(state).filter(({ isLeft }) => isLeft)) tell(leftText(left), console.error);
  const candidate = candidateFor(config, name, options.force);
  if (!candidate.ok) {
    console.error(`netdevd drill: ${candidate.message}`);
    return 2;
  }
  const { device } = candidate;
  const patience = options.timeout + options.stay;
  const cut = Promise.withResolvers<void>();
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => cut.resolve());
  const unsaid: string[] = [];
  const report = await carryOut(
    {
      state,
      candidate,
      stay: () => Promise.race([Bun.sleep(options.stay), cut.promise]),
      watchdog: (folder) =>
        startWatchdog(["drill", "--watchdog", folder, "--timeout", `${patience}ms`, "--", device.name]),
      before: ({ pid }) => {
        if (!options.json) tell(beginningText(candidate, { pid, patience }));
      },
    },
    (level, message, { code }) => {
      // What has a code is told in the report. All is told when the device is home: a terminal may take nothing.
      const isOwn = code === undefined && (level === "error" || level === "warning");
      if (isOwn) unsaid.push(`netdevd drill: ${message}`);
    },
  );
  for (const text of unsaid) tell(text, console.error);
  tell(options.json ? JSON.stringify({ ...report, losses: candidate.losses }, null, 2) : reportText(report));
  return exitCode(report);
}

function exitCode(report: DrillReport): number {
  return report.error === null && isAllBack(report) ? 0 : 1;
}

/** A terminal that has gone must not end a device's way home. */
function tell(text: string, print: (text: string) => void = console.log): void {
  try {
    print(text);
  } catch {
    // Nobody is there to be told.
  }
}

/** What `startWatchdog` starts. */
async function watchOver(folder: string, device: string, patience: number): Promise<number> {
  const charge = { folder, device, drill: process.ppid, patience };
  const file = join(dirname(folder), "drill.log");
  const toStderr = stderrLog(false);
  const unsaid: (() => void)[] = [];
  const code = await watch(
    charge,
    (line) => fs.writeSync(1, `${line}\n`),
    (level, message, fields) => {
      unsaid.push(() => toStderr(level, message, fields));
      note(file, `${new Date().toISOString()} ${level}: ${message}`);
    },
  );
  // Only now: a terminal that takes nothing any more, as behind an ssh connection that has broken, would hold it up.
  for (const say of unsaid) say();
  return code;
}

function note(file: string, line: string): void {
  try {
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
  } catch {
    // A full disk must not keep a device away.
  }
}
