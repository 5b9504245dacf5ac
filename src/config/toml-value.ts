import { quote } from "./fault.ts";

/** A TOML table, as smol-toml gives it. */
export type Table = Readonly<Record<string, unknown>>;

/** Whether a value of a TOML file is a table; dates are objects too. */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Whether nothing is said by `value`: it is missing, or an array or table without content. */
export function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || (isTable(value) && Object.keys(value).length === 0);
}

/** What a value of a TOML file is, as the second half of a sentence: `is the string "5"`. */
export function whatItIs(value: unknown): string {
  if (value === undefined) return "is missing";
  if (typeof value === "string") return `is the string ${quote(value)}`;
  if (typeof value === "number") return `is the number ${value}`;
  if (typeof value === "boolean") return `is ${value}`;
  if (Array.isArray(value)) return "is an array";
  return value instanceof Date ? "is a date or time" : "is a table";
}
