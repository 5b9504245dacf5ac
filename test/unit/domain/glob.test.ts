import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { globMatches, isLiteral, literally, literalPrefix } from "../../../src/domain/glob.ts";

describe("globMatches", () => {
  test.each([
    ["", "", true],
    ["", "a", false],
    ["a", "", false],
    ["eth0", "eth0", true],
    ["eth0", "eth01", false],
    ["eth0", "ETH0", false],
    ["*", "", true],
    ["*", "anything/at/all", true],
    ["**", "", true],
    ["eth*", "eth", true],
    ["*.10", "bond0.10", true],
    ["/var/lib/*", "/var/lib/containers/overlay", true],
    ["/var/lib/*", "/var/lib", false],
    ["a*b*c", "aXbYbZc", true],
    ["a*b*c", "aXcYb", false],
    ["*a*a*a", "aa", false],
    ["eth?", "eth", false],
    ["eth?", "eth1", true],
    ["eth?", "eth10", false],
    ["?", "/", true],
    ["eth[0-2]", "eth1", true],
    ["eth[0-2]", "eth3", false],
    ["eth[!0-2]", "eth3", true],
    ["eth[!0-2]", "eth1", false],
    ["[abc]x", "bx", true],
    ["[a-]", "-", true],
    ["[-a]", "-", true],
    ["[]a]", "]", true],
    ["[!]a]", "]", false],
    ["[!]a]", "b", true],
    ["[a-c-e]", "-", true],
    ["[a-c-e]", "d", false],
    ["[b-a]", "a", false],
    ["[*]", "*", true],
    ["[*]", "a", false],
    ["[", "[", true],
    ["[a", "[a", true],
    ["[]", "[]", true],
    ["x[!", "x[!", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["\\[a]", "[a]", true],
    ["\\\\", "\\", true],
    ["a\\", "a\\", true],
    ["trainer-*", "trainer-7", true],
    ["*-7", "trainer-7\nb", false],
    ["*", "a\nb", true],
  ])("%j on %j: %p", (pattern, text, matches) => expect(globMatches(pattern, text)).toBe(matches));

  /** The same language said another way: as a regular expression. */
  function regexpOf(pattern: string): RegExp {
    const token = /\\(.)|\*|\?|\[(?:(!)|(?!!))(.[^\]]*)\]|(.)/gs;
    const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    const source = pattern.replace(token, (all, escaped, not, set, plain) => {
      if (escaped !== undefined) return quote(escaped);
      if (plain !== undefined) return quote(plain);
      if (all === "*") return ".*";
      if (all === "?") return ".";
      // A range that runs backwards has no members here, and is an error in a regular expression.
      const members: string = String(set).replace(/(.)-(.)|(.)/gs, (_, low, high, single) => {
        if (single !== undefined) return quote(single);
        return low <= high ? `${quote(low)}-${quote(high)}` : "";
      });
      if (members === "") return not === "!" ? "." : "(?!)";
      return `[${not === "!" ? "^" : ""}${members}]`;
    });
    return new RegExp(`^${source}$`, "s");
  }

  const pattern = fc.string({ unit: fc.constantFrom(..."abc*?[]!-\\*"), maxLength: 10 });
  const text = fc.string({ unit: fc.constantFrom(..."abc[]!-\\"), maxLength: 8 });

  test("agrees with a regular expression made of the pattern", () => {
    fc.assert(
      fc.property(pattern, text, (glob, any) => {
        expect(globMatches(glob, any)).toBe(regexpOf(glob).test(any));
      }),
      { numRuns: 20_000 },
    );
  });

  test("a text matches itself with every character escaped", () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(globMatches(any.replace(/./gs, "\\$&"), any)).toBe(true);
      }),
    );
  });

  test("cost is bounded by pattern times text, whatever they are", () => {
    const started = performance.now();
    expect(globMatches(`${"a*".repeat(500)}b`, "a".repeat(5000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("isLiteral", () => {
  test("what it says to be literal matches itself and nothing else", () => {
    const any = fc.string({ unit: fc.constantFrom(..."ab*?[]\\"), maxLength: 4 });
    fc.assert(
      fc.property(any, any, (pattern, text) => {
        fc.pre(isLiteral(pattern));
        expect(globMatches(pattern, text)).toBe(pattern === text);
      }),
    );
  });

  test.each([
    ["ens4", true],
    ["a]", true],
    ["ens*", false],
    ["ens?", false],
    ["ens[4]", false],
    ["ens\\4", false],
  ])("%j: %p", (pattern, literal) => expect(isLiteral(pattern)).toBe(literal));
});

test("what any text begins with that a pattern matches is its literal prefix", () => {
  const char = fc.constantFrom("a", "b", "*", "?", "[", "]", "!", "\\", "-");
  const pattern = fc.array(char, { maxLength: 6 }).map((chars) => chars.join(""));
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom("a", "b", "[", "*"), maxLength: 6 }),
      (glob, text) => {
        if (globMatches(glob, text)) expect(text.startsWith(literalPrefix(glob))).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
  expect(["net-*", "net0", "*", "a[bc]", "a\\*"].map(literalPrefix)).toEqual(["net-", "net0", "", "a", "a"]);
});

test("a text taken literally matches itself and no other", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "*", "?", "[", "]", "\\", "!"), maxLength: 6 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(globMatches(literally(one), one)).toBe(true);
      expect(globMatches(literally(one), other)).toBe(one === other);
    }),
    { numRuns: 2000 },
  );
});
