import { configJsonSchema } from "../config/json-schema.ts";
import { type Command, UsageError } from "./command.ts";

export const schema: Command = {
  usage: "schema",
  summary: "JSON Schema of the config file, for editors",
  details: `Draft 2020-12. It refuses nothing that \`netdevd check\` takes, and not all that it refuses.
With it in a file beside the config, and "#:schema ./FILE" as the config's first line, editors that know
Taplo (Even Better TOML) complete keys, explain them and tell faults.
Exit: 0.`,
  async run([unexpected]) {
    if (unexpected !== undefined) throw new UsageError(`unexpected argument "${unexpected}"`);
    console.log(JSON.stringify(configJsonSchema(), null, 2));
    return 0;
  },
};
