import { describe, expect, test } from "bun:test";
import { keptInOrder, misplaced } from "../../../src/domain/address-order.ts";
import { address } from "../engine/host.ts";

// What is missing is added behind what is there: of what is there, that has to go which shall come behind it.

const [one, two, three] = [address("192.0.2.1", 24), address("192.0.2.2", 24), address("192.0.2.3", 24)];
const [other, more] = [address("198.51.100.1", 24), address("203.0.113.1", 24)];
const [six, seven, eight] = ["2001:db8::6", "2001:db8::7", "2001:db8::8"].map((local) => address(local, 64));
if (!six || !seven || !eight) throw new Error("three were made");

describe("of what is there, stays", () => {
  const all = [one, other, more, two, three, six, seven, eight];
  const cases = [
    ["all, where nothing is missing", all, all],
    [
      "nothing of a subnet whose primary address is missing, nor what is behind it",
      [other, more, two, three],
      [],
    ],
    ["what comes before it, where a primary address is missing", [one, more, two, three], [one, two, three]],
    [
      "all primary addresses, where a secondary one is missing",
      [one, other, more, three],
      [one, other, more],
    ],
    ["the older ones, where an IPv6 address is missing", [six, eight], [eight]],
    ["all, where the newest is missing", [seven, eight], [seven, eight]],
    ["nothing of a subnet that another address leads", [two, other, more, one, three], []],
  ] as const;
  for (const [title, there, kept] of cases) {
    test(title, () => {
      const asked = all.filter(({ family }) => there.some((address) => address.family === family));
      expect(keptInOrder(there, asked)).toEqual([...kept]);
    });
  }
});

test("an address that does not lead its subnet is told, and one that is not there is not", () => {
  expect(misplaced([two, one], [one, two])).toEqual(["address 192.0.2.1/24 is secondary, not primary"]);
  expect(misplaced([two, three], [one, two, three])).toEqual([]);
  expect(misplaced([one, other, two], [one, two, other])).toEqual([]);
});
