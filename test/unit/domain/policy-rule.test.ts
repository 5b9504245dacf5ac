import { expect, test } from "bun:test";
import { planAttach } from "../../../src/domain/attach-plan.ts";
import { differences } from "../../../src/domain/plan.ts";
import { deviceOf, mappingOf, requestOf, snapshotOf } from "./samples.ts";

const bare = snapshotOf(deviceOf());
const words = "100: from all iif ens4 lookup 77";
const wanted = { ...bare, rules: [{ family: "inet6", words } as const] };

test("a policy rule that is not there any more is told, and of which family it was", () => {
  const told = [
    `IPv6 policy rule ${words} is not there any more, or detached: it is to be made again by whoever made it`,
  ];
  expect(differences(bare, wanted)).toEqual(told);
  expect(differences({ ...bare, rules: [{ family: "inet", words }] }, wanted)).toEqual(told);
});

test("one that is there is not told, nor one that has come since", () => {
  expect(differences(wanted, wanted)).toEqual([]);
  expect(differences(wanted, bare)).toEqual([]);
});

test("none is told before the device goes: it stays where it is", () => {
  const plan = planAttach(mappingOf(), [{ request: requestOf(), chosen: [wanted], passedOver: [] }], []);
  expect(plan).toMatchObject({ ok: true, warnings: [] });
});
