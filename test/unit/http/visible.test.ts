import { expect, test } from "bun:test";
import { visible } from "../../../src/http/visible.ts";

test.each([
  ["plain", "plain"],
  ["ü 名前 🙂 <b>", "ü 名前 🙂 <b>"],
  ["two\nlines\t", "two\\u{a}lines\\u{9}"],
  ["\u202egpj.exe", "\\u{202e}gpj.exe"],
  ["a\u2066b\u2069", "a\\u{2066}b\\u{2069}"],
  ["no\u200bthing\ufeff", "no\\u{200b}thing\\u{feff}"],
  ["a\u2028b", "a\\u{2028}b"],
  ["\u{e0041}", "\\u{e0041}"],
  ["\ud800", "\\u{d800}"],
  ["\u0000\u001b[31m", "\\u{0}\\u{1b}[31m"],
])("%j is shown as %j", (text, shown) => expect(visible(text)).toBe(shown));
