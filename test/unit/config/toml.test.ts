import { describe, expect, test } from "bun:test";
import { parseToml } from "../../../src/config/toml.ts";

describe("parseToml", () => {
  test("gives the table and the text that it is from", () => {
    expect(parseToml("a.toml", "a = 1\n")).toEqual({ file: "a.toml", text: "a = 1\n", table: { a: 1 } });
  });

  test("a byte order mark is no part of the first line", () => {
    expect(parseToml("a.toml", "\uFEFFa = 1\n")).toEqual({
      file: "a.toml",
      text: "a = 1\n",
      table: { a: 1 },
    });
  });

  test.each([
    ["a = 1\n[x\n", "2:3", "illegal character in key"],
    ['a = "x\n', "1:7", "control characters are not allowed in strings"],
    ["\n\n  a = 1\n  a = 2\n", "4:3", "trying to redefine an already defined table or value"],
    ["[a]\n[a]\n", "2:2", "trying to redefine an already defined table or value"],
    ["a = 99999999999999999999\n", "1:5", "integer value cannot be represented losslessly"],
    ["a = 1 b = 2\n", "1:7", "each key-value declaration must be followed by an end-of-line"],
    ["__proto__ = 1\n", "1:1", "document contains an unsafe property"],
    ["a = { constructor = 1 }\n", "1:7", "document contains an unsafe property"],
  ])("%p", (text, place, why) => {
    const fault = parseToml("a.toml", text);
    if ("table" in fault) throw new Error("is valid");
    expect(`${fault.line}:${fault.column}`).toBe(place);
    expect(fault).toMatchObject({ file: "a.toml", path: "", expected: "TOML 1.1" });
    expect(fault.message).toBe(`is no valid TOML: ${why}`);
  });
});
