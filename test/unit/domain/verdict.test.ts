import { expect, test } from "bun:test";
import { CODES } from "../../../src/domain/verdict.ts";

test("codes are stable words: each once, in lower case, joined by hyphens", () => {
  expect(new Set(CODES).size).toBe(CODES.length);
  for (const code of CODES) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
});
