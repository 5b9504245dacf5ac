import type { Command } from "./command.ts";

/** What `netdevd --help` prints. */
export function overview(commands: ReadonlyMap<string, Command>): string {
  const width = Math.max(...Array.from(commands.keys(), (name) => name.length));
  const lines = Array.from(commands, ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "netdevd hands existing network devices to containers, and brings every one of them home",
    "",
    "usage: netdevd COMMAND [--config FILE]",
    "",
    ...lines,
    "",
    "netdevd COMMAND --help tells more of one; --version tells the version.",
  ].join("\n");
}

/** What `netdevd COMMAND --help` prints. */
export function helpFor({ usage, summary, details }: Command): string {
  return `usage: netdevd ${usage}\n\n${summary}\n\n${details}`;
}
