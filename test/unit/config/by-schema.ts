import Ajv from "ajv/dist/2020.js";
import { configJsonSchema } from "../../../src/config/json-schema.ts";
import { parseToml } from "../../../src/config/toml.ts";

const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false }).compile(
  configJsonSchema(),
);

/** Why the JSON Schema refuses the text of a config file, in the validator's words; null: it does not. */
export function refusedBySchema(text: string): string | null {
  const source = parseToml("netdevd.toml", text);
  if (!("table" in source)) return source.message;
  return whyRefused(source.table);
}

/** As {@link refusedBySchema}, of what is parsed already. */
export function whyRefused(config: object): string | null {
  // To an editor a date is a text.
  if (validate(JSON.parse(JSON.stringify(config)))) return null;
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`).join("; ");
}
