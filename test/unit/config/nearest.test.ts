import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { distance, nearest } from "../../../src/config/nearest.ts";

describe("distance", () => {
  test.each([
    ["", "", 0],
    ["mtu", "mtu", 0],
    ["mtuu", "mtu", 1],
    ["mut", "mtu", 2],
    ["kitten", "sitting", 3],
    ["", "abc", 3],
  ])("%p to %p", (a, b, edits) => {
    expect(distance(a, b)).toBe(edits);
  });

  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });

  test("is a metric", () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(distance(a, b) === 0).toBe(a === b);
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
      }),
    );
  });
});

describe("nearest", () => {
  const known = ["name", "addresses", "mtu", "mac", "on_exit"];

  test.each([
    ["nam", "name"],
    ["address", "addresses"],
    ["MTU", "mtu"],
    ["onExit", "on_exit"],
    ["mc", "mac"],
  ])("of %p is %p", (word, key) => {
    expect(nearest(word, known)).toBe(key);
  });

  test("is the first of several as near", () => {
    expect(nearest("mt", ["mtx", "mty"])).toBe("mtx");
  });

  test("of nothing is nothing", () => {
    expect(nearest("a", [])).toBeUndefined();
  });

  test("does little with a key of a megabyte", () => {
    const start = performance.now();
    nearest("x".repeat(1 << 20), known);
    expect(performance.now() - start).toBeLessThan(100);
  });
});
