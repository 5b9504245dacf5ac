import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  firstFree,
  fitsName,
  interfaceNameFault,
  isTemplate,
  naturalOrder,
} from "../../../src/domain/interface-name.ts";

describe("interfaceNameFault", () => {
  // Measured: `ip link add NAME type ifb` on Linux 6.18 takes these names …
  test.each([
    "eth0",
    "a",
    "123",
    "...",
    ".a",
    "ALL",
    "Default",
    "a.b",
    "a,b;c=d",
    "a\"b'c",
    "a\\b",
    "*",
    "[x]",
    "--",
    "\u0001",
    "\u007f",
    "é",
    "aaaaaaaaaaaaaaa",
    "éééééééa",
  ])("the kernel takes %j", (name) => expect(interfaceNameFault(name, false)).toBeNull());

  // … and answers EINVAL or ERANGE to these.
  test.each([
    ["", "is empty"],
    [".", "names a folder"],
    ["..", "names a folder"],
    ["all", "sysctl tree"],
    ["default", "sysctl tree"],
    ["a/b", '"/"'],
    ["a:b", '":"'],
    ["a b", "white space"],
    ["a\tb", "white space"],
    ["a\nb", "white space"],
    ["a\vb", "white space"],
    ["a\fb", "white space"],
    ["a\rb", "white space"],
    ["a%b", '"%"'],
    ["a%", '"%"'],
    ["%s", '"%"'],
    ["%d%d", '"%"'],
    ["aaaaaaaaaaaaaaaa", "has 16 bytes"],
    ["éééééééé", "has 16 bytes"],
    ["a\0b", "NUL"],
  ])("the kernel refuses %j", (name, why) => expect(interfaceNameFault(name, false)).toContain(why));

  // isspace() of the kernel looks at bytes and takes 0xa0, a no-break space of Latin-1, for white space.
  test.each(["à", "Р", "\u00a0", "a㠠"])("the kernel refuses %j, which has a byte 0xa0", (name) => {
    expect(interfaceNameFault(name, false)).toContain("0xa0");
  });

  test.each(["a\u2003b", "\u3000", "\ufeffx"])(
    "the kernel takes %j, whose bytes are no white space to it",
    (name) => {
      expect(interfaceNameFault(name, false)).toBeNull();
    },
  );

  test("one %d is for templates", () => {
    expect(interfaceNameFault("net%d", true)).toBeNull();
    expect(interfaceNameFault("%d", true)).toBeNull();
    expect(interfaceNameFault("%dx", true)).toBeNull();
    expect(interfaceNameFault("net%d", false)).toContain('"%"');
    expect(interfaceNameFault("net%d%d", true)).toContain('not one "%d"');
    expect(interfaceNameFault("net%", true)).toContain('not one "%d"');
    expect(interfaceNameFault("a%%d", true)).toContain('not one "%d"');
  });

  test("says for any ASCII text what dev_valid_name() and dev_alloc_name() say", () => {
    const ascii = fc.string({
      unit: fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)),
      maxLength: 18,
    });
    fc.assert(
      fc.property(ascii, (name) => {
        const refused =
          name === "" ||
          name.length > 15 ||
          [".", "..", "all", "default"].includes(name) ||
          Array.from(name).some((char) => "/: \t\n\v\f\r%".includes(char));
        expect(interfaceNameFault(name, false) !== null).toBe(refused);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("firstFree", () => {
  test.each([
    ["net%d", [], "net0"],
    ["net%d", ["net0", "net1", "net3"], "net2"],
    ["net%d", ["net1"], "net0"],
    ["%dx", ["0x"], "1x"],
    ["net%d", ["net00"], "net0"],
  ])("%s beside %j is %s", (template, taken, name) => {
    expect(firstFree(template, [new Set(taken)])).toBe(name);
  });

  test("is free, and no lower number is", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(20)), (numbers) => {
        const taken = new Set(numbers.map((number) => `net${number}`));
        const free = firstFree("net%d", [new Set(), taken]);
        expect(taken.has(free)).toBe(false);
        for (let lower = 0; lower < Number(free.slice(3)); lower++)
          expect(taken.has(`net${lower}`)).toBe(true);
      }),
    );
  });

  test("templates are known by their %d", () => {
    expect(isTemplate("net%d")).toBe(true);
    expect(isTemplate("net0")).toBe(false);
  });
});

describe("naturalOrder", () => {
  test("is the order of a person", () => {
    const names = [
      "eth10",
      "eth2",
      "eth1",
      "ens1f0",
      "ens1f10",
      "ens1f2",
      "eth1.100",
      "eth1.20",
      "eth",
      "wlan0",
    ];
    expect(names.toSorted(naturalOrder)).toEqual([
      "ens1f0",
      "ens1f2",
      "ens1f10",
      "eth",
      "eth1",
      "eth1.20",
      "eth1.100",
      "eth2",
      "eth10",
      "wlan0",
    ]);
  });

  const name = fc.string({ unit: fc.constantFrom(..."ab019."), maxLength: 15 });

  test("is an order: nothing but itself is equal, the other way round is the other way round, and it is transitive", () => {
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(naturalOrder(a, b) === 0).toBe(a === b);
        expect(Math.sign(naturalOrder(a, b)) + Math.sign(naturalOrder(b, a))).toBe(0);
        const [low = "", middle = "", high = ""] = [a, b, c].toSorted(naturalOrder);
        expect(naturalOrder(low, middle)).toBeLessThanOrEqual(0);
        expect(naturalOrder(middle, high)).toBeLessThanOrEqual(0);
        expect(naturalOrder(low, high)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 5000 },
    );
  });

  test("counts: with one stem, names are in the order of their numbers", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(Math.sign(naturalOrder(`eth${a}`, `eth${b}`))).toBe(Math.sign(a - b));
      }),
    );
  });
});

describe("fitsName", () => {
  test.each([
    ["eth0", "eth0"],
    ["net%d", "net0"],
    ["net%d", "net123"],
    ["a%db", "a7b"],
    ["%d", "7"],
    ["*", "*"],
  ])("%s may be %s", (asked, name) => expect(fitsName(asked, name)).toBe(true));

  test.each([
    ["eth0", "eth1"],
    ["net%d", "net"],
    ["net%d", "net%d"],
    ["net%d", "net1x"],
    ["net%d", "other1"],
    ["aa%daa", "aaa"],
    ["a%db", "a7"],
    ["*", "eth0"],
  ])("%s is never %s", (asked, name) => expect(fitsName(asked, name)).toBe(false));

  test("any number that is filled in", () => {
    const part = fc.string({ unit: fc.constantFrom(..."ab01"), maxLength: 5 });
    fc.assert(
      fc.property(part, part, fc.nat(), (before, after, number) =>
        fitsName(`${before}%d${after}`, `${before}${number}${after}`),
      ),
    );
  });
});
