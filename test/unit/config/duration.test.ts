import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDuration } from "../../../src/config/duration.ts";

test.each([
  ["0s", 0],
  ["500ms", 500],
  ["30s", 30_000],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["1m30s", 90_000],
  ["1h2m3s4ms", 3_723_004],
  ["1m5ms", 60_005],
])("%p is %p ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each([
  "",
  "30",
  "s",
  "-1s",
  "1.5s",
  " 1s",
  "1s ",
  "1 s",
  "1s1m",
  "1s1s",
  "1S",
  "1d",
  `${"9".repeat(20)}h`,
])("%p is none", (text) => {
  expect(parseDuration(text)).toBeNull();
});

test("any text gives a whole number that is not negative, or null", () => {
  const text = fc.string({ unit: fc.constantFrom("0", "1", "9", "h", "m", "s", "-", "."), maxLength: 12 });
  fc.assert(
    fc.property(text, (text) => {
      const milliseconds = parseDuration(text);
      expect(milliseconds === null || (Number.isSafeInteger(milliseconds) && milliseconds >= 0)).toBe(true);
    }),
  );
});
