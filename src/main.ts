#!/usr/bin/env -S bun --no-env-file --config=/dev/null
import { UsageError } from "./cli/command.ts";
import { COMMANDS } from "./cli/commands.ts";
import { helpFor, overview } from "./cli/help.ts";
import { versionText } from "./cli/version.ts";

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version") return print(versionText());
  if (name === "--help" || name === "-h") return print(overview(COMMANDS));
  const command = name === undefined ? undefined : COMMANDS.get(name);
  if (command === undefined) {
    console.error(name === undefined ? "a command is missing" : `"${name}" is no command of netdevd`);
    console.error(overview(COMMANDS));
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) return print(helpFor(command));
  try {
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\nusage: netdevd ${command.usage}`);
      return 2;
    }
    console.error(`netdevd ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function print(text: string): number {
  console.log(text);
  return 0;
}
