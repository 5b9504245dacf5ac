import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { jsonFault, positionAt } from "../../../src/spool/json-fault.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("jsonFault tells the first place that is no JSON", () => {
  const table: readonly (readonly [text: string, line: number, column: number, message: string])[] = [
    ["", 1, 1, "expected a value, found the end of the file"],
    [" \n ", 2, 2, "expected a value, found the end of the file"],
    ['{"a":1,}', 1, 8, 'expected a key in quotes, found "}"'],
    ["{1}", 1, 2, 'expected a key in quotes or "}", found "1"'],
    ['{"a" 1}', 1, 6, 'expected ":" after the key, found "1"'],
    ['{\n  "a": x\n}', 2, 8, 'expected a value, found "x"'],
    ["[1,2", 1, 5, 'expected "," or "]", found the end of the file'],
    ["[,]", 1, 2, 'expected a value or "]", found ","'],
    ["[1}", 1, 3, 'expected "," or "]", found "}"'],
    ["[1]]", 1, 4, 'expected nothing more, found "]"'],
    ["01", 1, 2, 'expected nothing more, found "1"'],
    ["-", 1, 1, 'expected a value, found "-"'],
    ["1.", 1, 2, 'expected nothing more, found "."'],
    ["nul", 1, 1, 'expected a value, found "n"'],
    ['"ab', 1, 4, "expected the closing quote of a string, found the end of the file"],
    ['"a\tb"', 1, 3, 'expected no bare control character in a string, found "\\t"'],
    ['"\\x"', 1, 3, 'expected one of " \\ / b f n r t u after the backslash, found "x"'],
    ['"\\u12g4"', 1, 3, 'expected four hex digits after \\u, found "u"'],
    ["[😀]", 1, 2, 'expected a value or "]", found "😀"'],
  ];
  test.each(table)("%p", (text, line, column, message) => {
    expect(jsonFault(text)).toEqual({ line, column, message });
  });
});

test("jsonFault and JSON.parse agree on what is JSON", () => {
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    '"a"',
    "\\",
    "\\u00e9",
    "0",
    "-1.5e3",
    "true",
    "nul",
    "l",
    " ",
    "\n",
    "\u0001",
  ];
  const almostJson = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(""));
  const brokenJson = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(...pieces, ""))
    .map(
      ([json, at, piece]) =>
        json.slice(0, at % (json.length + 1)) + piece + json.slice((at % (json.length + 1)) + 1),
    );
  const law = (text: string) => expect(jsonFault(text) === null).toBe(isJson(text));
  fc.assert(fc.property(almostJson, law), { numRuns: 5000 });
  fc.assert(fc.property(brokenJson, law), { numRuns: 2000 });
  fc.assert(fc.property(fc.json(), law));
});

test("any depth of brackets costs memory alone", () => {
  const depth = 500_000;
  expect(jsonFault("[".repeat(depth) + "]".repeat(depth))).toBeNull();
  expect(jsonFault("[".repeat(depth))?.column).toBe(depth + 1);
});

test("positionAt counts lines by their line feed", () => {
  expect(positionAt("ab\ncd\n", 0)).toEqual({ line: 1, column: 1 });
  expect(positionAt("ab\ncd\n", 2)).toEqual({ line: 1, column: 3 });
  expect(positionAt("ab\ncd\n", 3)).toEqual({ line: 2, column: 1 });
  expect(positionAt("ab\ncd\n", 6)).toEqual({ line: 3, column: 1 });
});
