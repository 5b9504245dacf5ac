/** Where a text stops being JSON, and why. */
export interface JsonFault {
  /** Counted from 1. */
  readonly line: number;
  /** UTF-16 units within the line, counted from 1. */
  readonly column: number;
  /** "expected X, found Y". */
  readonly message: string;
}

/**
 * The first place where `text` is no JSON (RFC 8259), or null where it is all JSON.
 *
 * JSON.parse of JavaScriptCore tells no position. Reads once, without recursion: brackets nested to any
 * depth cost memory alone.
 */
export function jsonFault(text: string): JsonFault | null {
  const open: ("}" | "]")[] = [];
  let state: "value" | "item or ]" | "key" | "key or }" | "colon" | "rest" = "value";
  let at = 0;
  for (;;) {
    at = afterSpace(text, at);
    const char = text.charAt(at);
    if (state === "rest") {
      const close = open.at(-1);
      if (close === undefined) return char === "" ? null : faultAt(text, at, "nothing more");
      if (char === close) open.pop();
      else if (char === ",") state = close === "}" ? "key" : "value";
      else return faultAt(text, at, `"," or "${close}"`);
      at += 1;
    } else if (state === "colon") {
      if (char !== ":") return faultAt(text, at, '":" after the key');
      state = "value";
      at += 1;
    } else if ((state === "key or }" && char === "}") || (state === "item or ]" && char === "]")) {
      open.pop();
      state = "rest";
      at += 1;
    } else if (state === "key" || state === "key or }") {
      if (char !== '"')
        return faultAt(text, at, state === "key" ? "a key in quotes" : 'a key in quotes or "}"');
      const string = scanString(text, at);
      if (string.fault !== null) return faultAt(text, string.at, string.fault);
      state = "colon";
      at = string.at;
    } else if (char === "{" || char === "[") {
      open.push(char === "{" ? "}" : "]");
      state = char === "{" ? "key or }" : "item or ]";
      at += 1;
    } else if (char === '"') {
      const string = scanString(text, at);
      if (string.fault !== null) return faultAt(text, string.at, string.fault);
      state = "rest";
      at = string.at;
    } else {
      const end = afterScalar(text, at);
      if (end === null) return faultAt(text, at, state === "value" ? "a value" : 'a value or "]"');
      state = "rest";
      at = end;
    }
  }
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text.charAt(at))) at += 1;
  return at;
}

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

function afterScalar(text: string, at: number): number | null {
  SCALAR.lastIndex = at;
  return SCALAR.test(text) ? SCALAR.lastIndex : null;
}

/** Where the string that opens at `from` ends (after its quote), or where it is broken. */
function scanString(text: string, from: number): { readonly at: number; readonly fault: string | null } {
  for (let at = from + 1; ; at++) {
    const char = text.charAt(at);
    if (char === '"') return { at: at + 1, fault: null };
    if (char === "") return { at, fault: "the closing quote of a string" };
    if (char < " ") return { at, fault: "no bare control character in a string" };
    if (char !== "\\") continue;
    at += 1;
    const escaped = text.charAt(at);
    if (escaped === "u") {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5)))
        return { at, fault: "four hex digits after \\u" };
      at += 4;
    } else if (escaped === "" || !'"\\/bfnrt'.includes(escaped)) {
      return { at, fault: 'one of " \\ / b f n r t u after the backslash' };
    }
  }
}

function faultAt(text: string, at: number, expected: string): JsonFault {
  const codePoint = text.codePointAt(at);
  const found =
    codePoint === undefined ? "the end of the file" : JSON.stringify(String.fromCodePoint(codePoint));
  return { ...positionAt(text, at), message: `expected ${expected}, found ${found}` };
}

/** Line and column of the character at index `at`, both counted from 1. */
export function positionAt(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < at; end = text.indexOf("\n", start)) {
    line += 1;
    start = end + 1;
  }
  return { line, column: at - start + 1 };
}
