import type { Rule } from "./table.ts";
import { isEmpty } from "./toml-value.ts";

/** A key that the config has and this version cannot act on. */
interface Unsupported {
  /** Whether a value asks for what this version cannot do. */
  readonly asksFor: (value: unknown) => boolean;
  readonly expected: string;
}

const notTrue: Unsupported = { asksFor: (value) => value === true, expected: "false" };

/** Every such key, by the table that it stands in. A key leaves this list when it works. */
const NOT_YET = {
  oci: {
    net_devices: notTrue,
    allow: { asksFor: (value) => Array.isArray(value) && !isEmpty(value), expected: "an empty array" },
  },
} as const satisfies Record<string, Record<string, Unsupported>>;

/** A rule: nothing is asked of a table of this kind that this version would have to ignore. */
export function notYet(kind: keyof typeof NOT_YET): Rule {
  const keys: [string, Unsupported][] = Object.entries(NOT_YET[kind]);
  return function* (table) {
    for (const [key, { asksFor, expected }] of keys) {
      const value = table[key];
      if (value === undefined || !asksFor(value)) continue;
      yield { path: [key], at: "value", message: "is not supported by this version yet", expected };
    }
  };
}
