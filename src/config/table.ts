import * as v from "valibot";
import type { Refusal } from "./finding.ts";
import { nearest } from "./nearest.ts";
import { isEmpty, isTable, type Table } from "./toml-value.ts";

/**
 * What must hold for a table as a whole.
 *
 * A rule sees the table as the file has it, so that it is heard even where single values are wrong: a
 * config is told all its faults at once.
 */
export type Rule = (table: Table) => Iterable<Refusal>;

/**
 * A table of exactly these keys, for which all `rules` hold.
 *
 * valibot's strictObject stops at the first unknown key and takes arrays and dates for objects. The
 * message of a schema in this folder is what was expected, for a sentence that ends with it. No value of a
 * file is undefined: for that each `lazy` here gives all that it may be, which a JSON Schema is made from.
 */
export function table<const TEntries extends v.ObjectEntries>(
  entries: TEntries,
  rules: readonly Rule[] = [],
) {
  const object = v.object(entries, (issue) => expectedAt(entries, issue.path?.[0].key));
  const every = [unknownKeys(Object.keys(entries)), ...rules];
  return v.lazy((input) => {
    if (input === undefined) return object;
    if (!isTable(input)) return notATable;
    const refusals = every.flatMap((rule) => [...rule(input)]);
    return refusals.length === 0 ? object : v.pipe(object, refuse(refusals));
  });
}

/**
 * A table of any keys, each with a `value`, for which all `rules` hold.
 *
 * @param keys what of the rules a JSON Schema can say of the keys: a pattern
 */
export function tableOf<TValue extends v.GenericSchema>(
  value: TValue,
  rules: readonly Rule[] = [],
  keys = "",
) {
  const every = v.record(v.pipe(v.string(), v.metadata(keys === "" ? {} : { pattern: keys })), value);
  return v.lazy((input) => {
    if (input === undefined) return every;
    if (!isTable(input)) return notATable;
    const object = v.object(Object.fromEntries(Object.keys(input).map((key) => [key, value])));
    const refusals = rules.flatMap((rule) => [...rule(input)]);
    return refusals.length === 0 ? object : v.pipe(object, refuse(refusals));
  });
}

/** A rule: one of `keys` at least says something. */
export function someOf(keys: readonly string[]): Rule {
  return function* (input) {
    if (!keys.every((key) => isEmpty(input[key]))) return;
    yield {
      path: [],
      at: "value",
      message: "has no condition",
      expected: `at least one of ${keys.join(", ")}`,
    };
  };
}

const notATable = v.never("a table");

function refuse<TInput>(refusals: readonly Refusal[]) {
  return v.rawCheck<TInput>(({ addIssue }) => {
    for (const { path, at, message, expected } of refusals) {
      const [first, ...rest] = path.map((key) => pathItem(key, at));
      addIssue(first === undefined ? { message, expected } : { message, expected, path: [first, ...rest] });
    }
  });
}

function pathItem(key: string | number, origin: "key" | "value"): v.IssuePathItem {
  return { type: "unknown", origin, input: undefined, key, value: undefined };
}

function unknownKeys(known: readonly string[]): Rule {
  return function* (input) {
    for (const key of Object.keys(input)) {
      if (known.includes(key)) continue;
      const expected = `${JSON.stringify(nearest(key, known))}, the nearest of ${known.join(", ")}`;
      yield { path: [key], at: "key", message: "unknown key", expected };
    }
  };
}

/** What the entry of a key that is missing would have taken. */
function expectedAt(entries: v.ObjectEntries, key: unknown): string {
  const entry = typeof key === "string" ? entries[key] : undefined;
  return entry !== undefined && "message" in entry && typeof entry.message === "string"
    ? entry.message
    : "a table";
}
