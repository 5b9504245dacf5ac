import * as v from "valibot";
import { type Config, DEFAULT_CONFIG } from "../config/config.ts";
import { diskFiles } from "../config/disk.ts";
import { loadConfig } from "../config/load.ts";
import { examineHost } from "../service/doctor/examine.ts";
import { type Finding, fail, pass, warn } from "../service/doctor/finding.ts";
import { drillFolders } from "../service/drill/left.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { ask } from "./daemon-client.ts";

export const doctor: Command = {
  usage: "doctor [--config FILE]",
  summary: "what on this host netdevd needs, and what gets in its way",
  details: `Each line is pass, warn or fail, and says what mends it. Touches nothing.
Exit: 0 nothing fails, 1 something does.`,
  async run(args) {
    const { config: file } = readArguments(args, [], { least: 0, most: 0 });
    const { config, finding } = await configFinding(file);
    const findings = [
      finding,
      ...examineHost(config),
      ...drillFindings(config.daemon.state),
      await daemonFinding(config),
    ];
    for (const { level, about, found, mend } of findings) {
      console.log(`${level}  ${about}: ${found}${mend === null ? "" : `; mend: ${mend}`}`);
    }
    return findings.some(({ level }) => level === "fail") ? 1 : 0;
  },
};

/** The config, or what an empty one means where it is at fault: the rest can be looked at all the same. */
async function configFinding(file: string): Promise<{ config: Config; finding: Finding }> {
  const result = await loadConfig(file, diskFiles);
  if (result.ok) {
    const count = result.config.mappings.length;
    const found = `${file}, ${count} ${count === 1 ? "mapping" : "mappings"}`;
    return { config: result.config, finding: pass("config", found) };
  }
  const count = result.faults.length;
  const found = `${file} has ${count} ${count === 1 ? "fault" : "faults"}`;
  return {
    config: DEFAULT_CONFIG,
    finding: fail("config", found, "`netdevd check` tells each with its line"),
  };
}

/** One for each drill that was left; none where none was. */
function drillFindings(state: string): Finding[] {
  return drillFolders(state)
    .filter(({ isLeft }) => isLeft)
    .map(({ path, devices }) => {
      const found = `one was left in ${path}, away: ${devices.join(", ") || "nothing"}`;
      return fail("drills", found, "`netdevd release --all` brings home what it took");
    });
}

const readiness = v.object({ ready: v.boolean(), reasons: v.array(v.string()) });

async function daemonFinding(config: Config): Promise<Finding> {
  if (config.http.listen.length === 0) {
    return warn("daemon", "http.listen is empty: nobody can ask it", "name at least the unix socket there");
  }
  const response = await ask(config, "/readyz");
  if (response === null) {
    return warn("daemon", "none answers", "`systemctl start netdevd`, or `netdevd run`, starts it");
  }
  const { ready, reasons } = v.parse(readiness, await response.json());
  if (ready) return pass("daemon", "runs, and is ready");
  return warn("daemon", `runs, and is not ready: ${reasons.join("; ")}`, "the reasons say what to do");
}
