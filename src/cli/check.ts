import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./read-config.ts";

export const check: Command = {
  usage: "check [--config FILE]",
  summary: "reads the whole config and tells every fault, or ok",
  details: `Each fault is told as FILE:LINE:COL: path: what is wrong, what was expected.
Exit: 0 the config is good, 2 it is not.`,
  async run(args) {
    const { config: file } = readArguments(args, [], { least: 0, most: 0 });
    const config = await readConfig(file);
    if (config === null) return 2;
    const count = config.mappings.length;
    console.log(`ok: ${count} ${count === 1 ? "mapping" : "mappings"}`);
    return 0;
  },
};
