import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { ContainerEvent, SpoolEvent } from "../domain/event.ts";
import { explain } from "../service/explain.ts";
import { parseEvent } from "../spool/event-file.ts";
import { type Refusal, refusalText } from "../spool/refusal.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { planExitCode, planText } from "./plan-text.ts";
import { readConfig } from "./read-config.ts";

export const plan: Command = {
  usage: "plan EVENT.json [--json] [--config FILE]",
  summary: "what an event would do, and why; touches nothing",
  details: `Needs no running daemon.
Exit: 0 it would work, 1 conflict, 2 bad input, 3 no mapping matches.`,
  async run(args) {
    const { config: file, flags, positionals } = readArguments(args, ["json"], { least: 1, most: 1 });
    const config = await readConfig(file);
    if (config === null) return 2;
    const [path = ""] = positionals;
    const event = readEvent(path);
    if (event === null) return 2;
    if (event.type === "release" || event.status === "stopped") {
      const text = "it brings home what the container holds; `netdevd status` tells what that is";
      console.log(flags.has("json") ? JSON.stringify({ event: event.name, id: event.id, note: text }) : text);
      return 0;
    }
    const explanation = await explain(config, event);
    console.log(flags.has("json") ? JSON.stringify(explanation, null, 2) : planText(explanation));
    return planExitCode(explanation);
  },
};

/** The event of a file, or null after it has been told what is wrong with it. */
function readEvent(path: string): SpoolEvent | ContainerEvent | null {
  let result: SpoolEvent | Refusal;
  try {
    result = parseEvent(basename(path), readFileSync(path), statSync(path).mtimeMs);
  } catch (error) {
    console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
  if (result.type !== "refusal") return result;
  console.error(`${path}: ${refusalText(result)}`);
  return null;
}
