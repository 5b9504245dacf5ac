import { jsonFault, positionAt } from "./json-fault.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** What the bytes of a JSON file hold, or the first place where they are no JSON. */
export type Json =
  | { readonly ok: true; readonly json: unknown }
  | { readonly ok: false; readonly refusal: Refusal };

const decoder = new TextDecoder("utf-8", { fatal: true });

/** JSON text in UTF-8 (RFC 8259), with or without a byte order mark, nested to any depth. Never throws. */
export function parseJson(bytes: Uint8Array): Json {
  const text = decode(bytes);
  if (typeof text !== "string") return { ok: false, refusal: text };
  try {
    return { ok: true, json: JSON.parse(text) };
  } catch (error) {
    const fault = jsonFault(text);
    const reason = fault === null ? refusal(null, String(error)) : refusal(place(fault), fault.message);
    return { ok: false, refusal: reason };
  }
}

function decode(bytes: Uint8Array): string | Refusal {
  try {
    return decoder.decode(bytes);
  } catch {
    const before = new TextDecoder().decode(bytes.subarray(0, utf8Length(bytes)));
    return refusal(place(positionAt(before, before.length)), "expected UTF-8, found bytes that are none");
  }
}

/** How many of the first bytes a lossy decoder leaves as they are. */
function utf8Length(bytes: Uint8Array): number {
  const again = new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  const length = again.findIndex((byte, at) => byte !== bytes[at]);
  return length < 0 ? bytes.length : length;
}

function place({ line, column }: { readonly line: number; readonly column: number }): string {
  return `line ${line}, column ${column}`;
}
