import { describe, expect, test } from "bun:test";
import { formatFault, pathText, quote } from "../../../src/config/fault.ts";

describe("formatFault", () => {
  const fault = { file: "a.toml", line: 3, column: 7, message: "is 5", expected: "a text" };

  test("names file, line, column, path, what is wrong, what was expected", () => {
    expect(formatFault({ ...fault, path: "http.group" })).toBe(
      "a.toml:3:7: http.group: is 5, expected a text",
    );
  });

  test("has no empty path", () => {
    expect(formatFault({ ...fault, path: "" })).toBe("a.toml:3:7: is 5, expected a text");
  });
});

describe("pathText", () => {
  test.each([
    [["daemon", "spool"], "daemon.spool"],
    [["mapping", 0, "device", 12, "mtu"], "mapping[0].device[12].mtu"],
    [
      ["mapping", 0, "container", "annotations", "com.example.nic"],
      'mapping[0].container.annotations."com.example.nic"',
    ],
    [["", 'a"b', "a\nb"], '""."a\\"b"."a\\nb"'],
    [[], ""],
  ])("%j", (path, text) => {
    expect(pathText(path)).toBe(text);
  });
});

test("quote keeps to one line and to what can be read", () => {
  expect(quote("a\n\u001b[31m")).toBe('"a\\n\\u001b[31m"');
  expect(quote("x".repeat(1000))).toHaveLength(83);
});
