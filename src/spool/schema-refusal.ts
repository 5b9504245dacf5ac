import { type Refusal, refusal } from "./refusal.ts";

interface SchemaIssue {
  readonly message: string;
  readonly input: unknown;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}

/** What a schema refuses, whose message is what was expected: with where it is and what was found. */
export function schemaRefusal({ message, input, path = [] }: SchemaIssue): Refusal {
  const where = path.map(({ key }, depth) => member(String(key), depth)).join("");
  return refusal(where === "" ? null : where, `expected ${message}, found ${describe(input)}`);
}

/** A member in the path to a fault; outermost at depth 0. */
export function member(key: string, depth: number): string {
  if (/^\w{1,80}$/.test(key)) return depth === 0 ? key : `.${key}`;
  return `[${quoted(key)}]`;
}

/** A value as a sentence names it that ends with "found". */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** A text in quotes, cut off where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
