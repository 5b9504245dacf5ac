import { expect, test } from "bun:test";
import { insideOf } from "../../../src/domain/inside.ts";
import { differences } from "../../../src/domain/plan.ts";
import { deviceOf, requestOf, snapshotOf } from "./samples.ts";

const bare = snapshotOf(deviceOf());
const wanted = { ...bare, multicasts: ["33:33:00:00:77:77"] };

test("a static multicast address is told where it is not there", () => {
  const told = [
    "static multicast address 33:33:00:00:77:77 is not there: it is to be made again by whoever made it",
  ];
  expect(differences(bare, wanted)).toEqual(told);
  expect(differences({ ...bare, multicasts: ["33:33:00:00:77:78"] }, wanted)).toEqual(told);
});

test("one that somebody has made again meanwhile is not told, nor what there was not", () => {
  expect(differences(wanted, wanted)).toEqual([]);
  expect(differences(wanted, bare)).toEqual([]);
});

test("none is wanted inside", () => {
  expect(insideOf(requestOf(), wanted, "eth1").multicasts).toBeUndefined();
});
