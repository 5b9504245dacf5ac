import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Neighbour } from "../../../src/domain/neighbour.ts";
import { differences, plan } from "../../../src/domain/plan.ts";
import { type PortVlan, portSettingsToSet, vlanChanges, vlansText } from "../../../src/domain/port.ts";
import { deviceOf, snapshotOf } from "./samples.ts";

const vlan = (first: number, last = first, more: Partial<PortVlan> = {}): PortVlan => ({
  first,
  last,
  pvid: false,
  untagged: false,
  ...more,
});
/** Static (NUD_NOARP), of the master (NTF_MASTER). */
const ENTRY: Neighbour = {
  family: "bridge",
  address: null,
  lladdr: null,
  state: 0x40,
  flags: 0x04,
  vlan: null,
  port: null,
  vni: null,
  via: null,
};
const own = { pvid: true, untagged: true };

test("settings that differ are to be set, and all of what is no port yet", () => {
  const port = { settings: { cost: 7, hairpin: 1 }, vlans: null };
  expect(portSettingsToSet({ settings: { cost: 7, hairpin: 0 }, vlans: null }, port)).toEqual({ hairpin: 1 });
  expect(portSettingsToSet(null, port)).toEqual(port.settings);
  expect(portSettingsToSet(port, null)).toEqual({});
});

test("VLANs for a person", () => {
  expect(vlansText([vlan(1, 1, own), vlan(100, 105), vlan(200, 200, { untagged: true })])).toBe(
    "1 pvid untagged, 100-105, 200 untagged",
  );
  expect(vlansText([])).toBe("none");
});

test("VLANs that differ in their options alone are one range, and their options are told apart", () => {
  const wanted = [
    vlan(1, 1, own),
    vlan(100, 102),
    vlan(103, 103, { options: "state blocking" }),
    vlan(104, 105),
  ];
  const now = [vlan(1, 1, own), vlan(100, 105)];
  expect(vlansText(wanted)).toBe(vlansText(now));
  expect(vlanChanges(now, wanted)).toEqual({ remove: [], add: [] });
  const bare = snapshotOf(deviceOf());
  const port = (vlans: PortVlan[]) => ({ ...bare, port: { settings: {}, vlans } });
  expect(differences(port(now), port(wanted))).toEqual([
    "options of VLAN 103 (state blocking) are not there: they are to be made again by whoever made it",
  ]);
  expect(differences(port(wanted), port(wanted))).toEqual([]);
  expect(differences(port(wanted), port(now))).toEqual([]);
});

describe("vlanChanges", () => {
  test("none where they are so already", () => {
    const vlans = [vlan(1, 1, own), vlan(100, 105)];
    expect(vlanChanges(vlans, vlans)).toEqual({ remove: [], add: [] });
  });

  test("the one that a port begins with goes where it is not wanted, and stays where it is", () => {
    const wanted = [vlan(7, 7, own)];
    expect(vlanChanges([vlan(1, 1, own)], wanted)).toEqual({ remove: [vlan(1)], add: wanted });
    expect(vlanChanges([vlan(1, 1, own)], [vlan(1, 2)])).toEqual({ remove: [], add: [vlan(1, 2)] });
  });

  test("leave exactly those that are wanted", () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(5))
      .map(([first, more]) => vlan(first, first + more));
    const ids = (list: readonly PortVlan[]) =>
      new Set(
        list.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)),
      );
    fc.assert(
      fc.property(fc.array(range), fc.array(range), (now, wanted) => {
        const { remove, add } = vlanChanges(now, wanted);
        const left = new Set([...ids(now)].filter((vid) => !ids(remove).has(vid)));
        expect(new Set([...left, ...ids(add)])).toEqual(ids(wanted));
      }),
    );
  });
});

describe("an entry of a forwarding database that is of no VLAN", () => {
  const entry = { ...ENTRY, lladdr: "02:00:00:00:00:09" };
  const of = (...ids: readonly number[]) => [entry, ...ids.map((id) => ({ ...entry, vlan: id }))];
  /** What is done about VLANs and neighbours on the way home, in order. */
  const steps = (neighbours: readonly Neighbour[]) => {
    const port = { settings: {}, vlans: [vlan(1, 1, own), vlan(7, 8)] };
    const snapshot = { ...snapshotOf(deviceOf()), port, neighbours };
    const inside = snapshotOf(deviceOf());
    return plan({ place: "inside", snapshot: inside }, { place: "home", snapshot, ifindex: null }).flatMap(
      (step) => {
        if (step.type === "set-vlans") return "VLANs";
        return step.type === "add-neighbour" ? (step.neighbour.vlan ?? "entry") : [];
      },
    );
  };

  test("comes before VLANs that the port got after it: the kernel makes it for each that is there", () => {
    expect(steps(of(1))).toEqual(["entry", "VLANs", 1]);
    expect(steps(of(1, 8))).toEqual(["entry", "VLANs", 1, 8]);
  });

  test("and else after them", () => {
    expect(steps(of(1, 7, 8))).toEqual(["VLANs", "entry", 1, 7, 8]);
    expect(steps([{ ...entry, flags: 2 }])).toEqual(["VLANs", "entry"]);
  });
});
