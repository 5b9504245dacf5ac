import type { ListedDevice } from "../http/devices.ts";
import { listDevices } from "../service/list-devices.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./read-config.ts";

export const devices: Command = {
  usage: "devices [--json] [--config FILE]",
  summary: "the host's devices as selectors see them, who holds each, and what guards it",
  details: "Needs no running daemon.\nExit: 0.",
  async run(args) {
    const { config: file, flags } = readArguments(args, ["json"], { least: 0, most: 0 });
    const config = await readConfig(file);
    if (config === null) return 2;
    const list = listDevices(config);
    console.log(flags.has("json") ? JSON.stringify(list, null, 2) : list.map(text).join("\n"));
    return 0;
  },
};

function text(device: ListedDevice): string {
  const { name, ifindex, altnames, mac, permanent_mac, pci, driver, pf, kind, state, holder } = device;
  const facts = Object.entries({ kind, driver, mac, permanent_mac, pci, pf })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${value}`);
  const names = altnames.map((altname) => `altname ${altname}`);
  const lines = [`${name} (${ifindex})  ${state}  ${[...facts, ...names].join(", ")}`];
  if (holder !== null) {
    lines.push(`  in container ${holder.containers.join(", ")} as ${holder.name}, mapping ${holder.mapping}`);
  }
  for (const { reason, liftable } of device.guards) {
    lines.push(`  guarded: it ${reason}${liftable ? "; `force = true` takes it all the same" : ""}`);
  }
  return lines.join("\n");
}
