import { parse, TomlError } from "smol-toml";
import type { Fault } from "./fault.ts";
import type { Source } from "./finding.ts";

/** `text` of `file` as TOML, or the syntax error that it has. */
export function parseToml(file: string, text: string): Source | Fault {
  // A byte order mark is no part of the first line: TOML 1.1 ignores it.
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    // Keys that every object of JavaScript has ("__proto__") could be lost unseen on their way to a schema.
    return { file, text: body, table: parse(body, { unsafeKeyBehaviour: "throw" }) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const why = cause.message.replace(/^Invalid TOML document: /, "").split("\n")[0];
    const { line, column } = cause;
    return { file, line, column, path: "", message: `is no valid TOML: ${why}`, expected: "TOML 1.1" };
  }
}
