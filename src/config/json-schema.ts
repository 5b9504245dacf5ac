import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { fileSchema } from "./file-schema.ts";

/**
 * The JSON Schema (2020-12) of one file of the config, made of the very schemas that parse it.
 *
 * It is for editors, so it says no more than these do: what it refuses, `netdevd check` refuses too. The reverse
 * it cannot: whether names of two devices clash, or an address is one that a device can have, is for that to say.
 */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, $defs = {}, ...schema } = toJsonSchema(fileSchema, CONVERSION);
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: "netdevd",
    description: "The config of netdevd: which containers get which of this host's network devices",
    ...inlined(schema, $defs),
  };
}

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  typeMode: "input",
  overrideSchema({ valibotSchema, jsonSchema }) {
    if (!("entries" in valibotSchema)) return undefined;
    const properties = { ...jsonSchema.properties };
    // What stands behind a parser in a pipe is left out of its input, and an editor is to tell it all the same.
    for (const [key, entry] of Object.entries(entriesOf(valibotSchema))) {
      const property = properties[key];
      if (typeof property === "object") properties[key] = { ...property, ...v.getMetadata(unwrapped(entry)) };
    }
    return { ...jsonSchema, properties, additionalProperties: false };
  },
};

function entriesOf(schema: object): Readonly<Record<string, v.GenericSchema>> {
  return "entries" in schema ? Object(schema.entries) : {};
}

function unwrapped(schema: v.GenericSchema): v.GenericSchema {
  return "wrapped" in schema ? Object(schema.wrapped) : schema;
}

type Definitions = NonNullable<JsonSchema["$defs"]>;

/** `schema` with all that it refers to in its place: editors pass over what stands beside a `$ref`. */
function inlined(schema: JsonSchema, definitions: Definitions): Readonly<Record<string, unknown>> {
  return Object(within(schema, definitions));
}

function within(value: unknown, definitions: Definitions): unknown {
  if (Array.isArray(value)) return value.map((item) => within(item, definitions));
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = Object(value);
  const own = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, within(item, definitions)]));
  const definition = typeof $ref === "string" ? definitions[$ref.slice("#/$defs/".length)] : undefined;
  return definition === undefined ? own : { ...Object(within(definition, definitions)), ...own };
}
