import { describe, expect, test } from "bun:test";
import { isEmpty, isTable, whatItIs } from "../../../src/config/toml-value.ts";

test.each([
  [{}, true],
  [{ a: 1 }, true],
  [[], false],
  [new Date(0), false],
  [null, false],
  [undefined, false],
  ["a", false],
])("isTable(%j) is %p", (value, is) => {
  expect(isTable(value)).toBe(is);
});

test.each([
  [undefined, true],
  [[], true],
  [{}, true],
  [[1], false],
  [{ a: 1 }, false],
  ["", false],
  [0, false],
  [new Date(0), false],
])("isEmpty(%j) is %p", (value, is) => {
  expect(isEmpty(value)).toBe(is);
});

describe("whatItIs", () => {
  test.each([
    [undefined, "is missing"],
    ["5", 'is the string "5"'],
    [1.5, "is the number 1.5"],
    [Number.NaN, "is the number NaN"],
    [false, "is false"],
    [[], "is an array"],
    [{}, "is a table"],
    [new Date(0), "is a date or time"],
  ])("%p", (value, text) => {
    expect(whatItIs(value)).toBe(text);
  });
});
