import { notAsTheyWere, type Status, type StatusContainer, type StatusHomecoming } from "../http/status.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { ask } from "./daemon-client.ts";
import { readConfig } from "./read-config.ts";

export const status: Command = {
  usage: "status [ID] [--json] [--config FILE]",
  summary: "what the running daemon holds, and what of late did not come home as it was",
  details: "Exit: 0; 1 where no daemon answers or it holds nothing for ID.",
  async run(args) {
    const { config: file, flags, positionals } = readArguments(args, ["json"], { least: 0, most: 1 });
    const config = await readConfig(file);
    if (config === null) return 2;
    const [id] = positionals;
    const path = id === undefined ? "/v1/status" : `/v1/containers/${encodeURIComponent(id)}`;
    const response = await ask(config, path);
    if (response === null) {
      console.error("no daemon answers; `netdevd run` or `systemctl start netdevd` starts it");
      return 1;
    }
    if (response.status === 404) {
      console.error(`no device is held for container ${id}`);
      return 1;
    }
    const text = await response.text();
    if (flags.has("json")) console.log(text);
    else if (id === undefined) console.log(statusText(JSON.parse(text)));
    else console.log(containerText(JSON.parse(text)));
    return 0;
  },
};

/** How much is told of each that came home; `--json` has more. */
const WARNINGS = 3;

function statusText(status: Status): string {
  const { version, state, containers } = status;
  const count = containers.length;
  const head = `netdevd ${version}: ${state}, ${count} ${count === 1 ? "container" : "containers"}`;
  return [head, ...containers.map(containerText), ...notAsItWas(status)].join("\n");
}

function notAsItWas(status: Status): string[] {
  const some = notAsTheyWere(status);
  if (some.length === 0) return [];
  return ["not as it was, of late:", ...some.map(homecomingText)];
}

function homecomingText({ at, container, mapping, device, outcome, warnings }: StatusHomecoming): string {
  const head = `  ${at}  ${device}  ${outcome}  for ${container}, mapping ${mapping}`;
  const told = warnings.slice(0, WARNINGS).map(({ code, message }) => `    ${code}: ${message}`);
  const left = warnings.length - told.length;
  return [head, ...told, ...(left > 0 ? [`    and ${left} more: --json has them`] : [])].join("\n");
}

function containerText(container: StatusContainer): string {
  const where = container.pid === null ? (container.netns ?? "") : `pid ${container.pid}`;
  const head = `${container.id}  ${container.state}  ${container.mapping}  ${where}`;
  const devices = container.devices.map(
    ({ host_name, name, ifindex, addresses, state }) =>
      `  ${host_name} -> ${name} (${ifindex})  ${state}  ${addresses.join(", ")}`,
  );
  const problems = [...container.warnings, ...(container.error === null ? [] : [container.error])];
  return [head, ...devices, ...problems.map(({ code, message }) => `  ${code}: ${message}`)].join("\n");
}
