import { parseArgs } from "node:util";
import { DEFAULT_CONFIG_FILE } from "../config/config.ts";
import { UsageError } from "./command.ts";

/** What a command was given. */
export interface Arguments<Flag extends string> {
  /** The config file to read. */
  readonly config: string;
  readonly positionals: readonly string[];
  /** Those that were given. */
  readonly flags: ReadonlySet<Flag>;
  /** Of the options named that take a value, those that were given. */
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Reads a command's arguments: `--config FILE`, the flags and the options with a value that are named, and
 * between `least` and `most` words beside them. Anything else is a UsageError.
 */
export function readArguments<const Flag extends string>(
  args: readonly string[],
  flags: readonly Flag[],
  positionals: { readonly least: number; readonly most: number },
  withValue: readonly string[] = [],
): Arguments<Flag> {
  const options: Record<string, { type: "string" | "boolean" }> = { config: { type: "string" } };
  for (const flag of flags) options[flag] = { type: "boolean" };
  for (const option of withValue) options[option] = { type: "string" };
  const parsed = parse(args, options);
  const count = parsed.positionals.length;
  if (count < positionals.least) throw new UsageError("an argument is missing");
  if (count > positionals.most) throw new UsageError(`unexpected argument "${parsed.positionals.at(-1)}"`);
  const { config } = parsed.values;
  return {
    config: typeof config === "string" ? config : DEFAULT_CONFIG_FILE,
    positionals: parsed.positionals,
    flags: new Set(flags.filter((flag) => parsed.values[flag] === true)),
    values: new Map(
      withValue.flatMap((option) => {
        const value = parsed.values[option];
        return typeof value === "string" ? [[option, value] as const] : [];
      }),
    ),
  };
}

function parse(args: readonly string[], options: Record<string, { type: "string" | "boolean" }>) {
  try {
    return parseArgs({ args: Array.from(args), options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
