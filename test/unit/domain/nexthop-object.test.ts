import { expect, test } from "bun:test";
import { differences } from "../../../src/domain/plan.ts";
import { deviceOf, routeOf, snapshotOf } from "./samples.ts";

const bare = snapshotOf(deviceOf());
const own = { id: 5, gateway: "192.0.2.9" };

test("a nexthop object is told where it is not there, or another one has its number", () => {
  const wanted = { ...bare, nexthops: [own] };
  const told = ["nexthop object 5 via 192.0.2.9 is not there: it is to be made again by whoever made it"];
  expect(differences(bare, wanted)).toEqual(told);
  expect(differences({ ...bare, nexthops: [{ id: 5, gateway: "192.0.2.8" }] }, wanted)).toEqual(told);
});

test("one that somebody has made again meanwhile is not told, nor what there was not", () => {
  const wanted = { ...bare, nexthops: [own] };
  expect(differences(wanted, wanted)).toEqual([]);
  expect(differences(wanted, bare)).toEqual([]);
});

test("one that a route has is told with that route alone", () => {
  const route = routeOf("10.9.0.0/16", { via: "192.0.2.9", nexthopId: 5 });
  const told = differences(bare, { ...bare, routes: [route], nexthops: [own] });
  expect(told).toEqual([expect.stringMatching(/^route 10\.9\.0\.0\/16 .*nexthop object 5/)]);
});
