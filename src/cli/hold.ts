import { DEFAULT_CONFIG } from "../config/config.ts";
import { hold as holdAll, letGoOfPins } from "../service/hold.ts";
import { takeLock } from "../service/lock.ts";
import { counted } from "../service/status-line.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./read-config.ts";

export const hold: Command = {
  usage: "hold [--drop] [--config FILE]",
  summary: "keeps containers' namespaces while no daemon runs; the service's unit calls it",
  details: `A daemon that is confined by systemd has systemd keep the namespaces that devices are in. Stopping the
service lets go of them, so the unit calls this before and after it: what is held is pinned by mounts below
the state folder, and the next start takes it over. --drop takes the mounts away while a daemon runs.
A config with a fault is told, and the default state folder is used.
Exit: 0, 1 a namespace could not be kept, or with --drop no daemon runs, 2 bad config.`,
  async run(args) {
    const { config: file, flags } = readArguments(args, ["drop"], { least: 0, most: 0 });
    const config = await readConfig(file);
    // One that was broken after the daemon had read it is told, and no reason to lose what that holds.
    const { state } = (config ?? DEFAULT_CONFIG).daemon;
    if (flags.has("drop")) return drop(state);
    const { pinned, faults } = holdAll(state);
    for (const fault of faults) console.error(fault);
    if (pinned > 0) console.error(`${counted(pinned, "namespace")} kept`);
    if (config === null) return 2;
    return faults.length === 0 ? 0 : 1;
  },
};

function drop(state: string): number {
  const locked = takeLock(state);
  if (!locked.ok) {
    letGoOfPins(state);
    return 0;
  }
  locked.lock[Symbol.dispose]();
  console.error("no daemon runs: whatever is pinned is held by nothing else");
  return 1;
}
