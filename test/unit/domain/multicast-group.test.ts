import { expect, test } from "bun:test";
import { groupsMissing, groupText, type MulticastGroup } from "../../../src/domain/multicast-group.ts";
import { differences, plan } from "../../../src/domain/plan.ts";
import { type Step, stepText } from "../../../src/domain/step.ts";
import { deviceOf, snapshotOf } from "./samples.ts";

const group: MulticastGroup = {
  address: "239.1.1.1",
  vlan: 0,
  source: null,
  mode: 0,
  sources: ["192.0.2.1", "192.0.2.2"],
  protocol: 4,
};

test("groups are told apart by all that they have, in whatever order their sources are", () => {
  const turned = { ...group, sources: group.sources.toReversed() };
  expect(groupsMissing([turned], [group])).toEqual([]);
  const others = [
    { ...group, address: "239.1.1.2" },
    { ...group, vlan: 7 },
    { ...group, source: "192.0.2.9" },
    { ...group, mode: 1 },
    { ...group, sources: [] },
    { ...group, protocol: 3 },
  ];
  expect(groupsMissing([group], others)).toEqual(others);
});

test("a group for a person", () => {
  expect(groupText(group)).toBe("multicast group 239.1.1.1");
  expect(groupText({ ...group, source: "192.0.2.9", vlan: 7 })).toBe(
    "multicast group 239.1.1.1 src 192.0.2.9 vid 7",
  );
});

test("a port is home with its groups and the state that was chosen, which need it to be up; else that is told", () => {
  const bare = snapshotOf(deviceOf({ up: false }));
  const device = deviceOf({ master: 5, slaveKind: "bridge" });
  const home = {
    ...snapshotOf(device),
    port: { settings: { state: 1, cost: 7 }, vlans: null, groups: [group] },
  };
  const steps: Step[] = plan(
    { place: "inside", snapshot: bare },
    { place: "home", snapshot: home, ifindex: null },
  );
  expect(steps.map(stepText).slice(-3)).toEqual([
    "set port cost 7",
    "add multicast group 239.1.1.1",
    "set port state 1",
  ]);
  expect(steps.at(-2)).toEqual({ type: "add-group", bridge: 5, group });
  const without = { ...home, port: { settings: { cost: 7 }, vlans: null } };
  expect(differences(without, home)).toEqual([
    "port setting state is the bridge's choice, not 1",
    "multicast group 239.1.1.1 is not there",
  ]);
  expect(plan({ place: "home", snapshot: home }, { place: "home", snapshot: home, ifindex: null })).toEqual(
    [],
  );
  // It would not last until the device runs.
  const disabled = { ...home, port: { ...without.port, settings: { state: 0, cost: 7 } } };
  expect(
    plan({ place: "home", snapshot: without }, { place: "home", snapshot: disabled, ifindex: null }),
  ).toEqual([]);
  // What is not on record is the bridge's, or somebody else's.
  expect(differences(home, without)).toEqual([]);
});
