import { describe, expect, test } from "bun:test";
import {
  isMadeToStay,
  type Neighbour,
  neighboursMissing,
  neighbourText,
} from "../../../src/domain/neighbour.ts";
import { differences, plan } from "../../../src/domain/plan.ts";
import { isRestorableQdisc, isSameQdisc, qdiscText } from "../../../src/domain/qdisc.ts";
import { stepText } from "../../../src/domain/step.ts";
import { deviceOf, snapshotOf } from "./samples.ts";

const MAC = "02:00:00:00:00:07";
const entry: Neighbour = {
  family: "inet",
  address: "192.0.2.9",
  lladdr: "02:00:00:00:00:09",
  state: 0x80,
  flags: 0,
  vlan: null,
  port: null,
  vni: null,
  via: null,
};
const fdb = { ...entry, family: "bridge" as const, address: null, flags: 2 };

describe("isMadeToStay", () => {
  test.each<[what: string, neighbour: Neighbour]>([
    ["a permanent neighbour", entry],
    ["a proxy", { ...entry, lladdr: null, state: 0, flags: 8 }],
    ["an address that the device takes as well", fdb],
    ["a static entry of a bridge", { ...fdb, state: 0x40, flags: 4 }],
    ["what a tunnel does with the rest", { ...fdb, lladdr: "00:00:00:00:00:00", address: "192.0.2.1" }],
  ])("%s is", (_, neighbour) => expect(isMadeToStay(neighbour, MAC)).toBeTrue());

  test.each<[what: string, neighbour: Neighbour]>([
    ["one that was learned (NUD_REACHABLE)", { ...entry, state: 0x02 }],
    ["one of a device without ARP (NUD_NOARP)", { ...entry, state: 0x40 }],
    ["a multicast group that the kernel has joined", { ...fdb, lladdr: "33:33:00:00:00:01" }],
    ["the bridge's entry of the port itself", { ...fdb, lladdr: MAC, flags: 4 }],
    ["what a bridge has learned", { ...fdb, state: 0x02, flags: 4 }],
  ])("%s is not", (_, neighbour) => expect(isMadeToStay(neighbour, MAC)).toBeFalse());
});

test("neighboursMissing: all of an entry counts", () => {
  expect(neighboursMissing([entry], [entry])).toEqual([]);
  for (const member of ["address", "lladdr"] as const) {
    expect(neighboursMissing([{ ...entry, [member]: "x" }], [entry])).toEqual([entry]);
  }
  for (const member of ["state", "flags", "vlan", "port", "vni", "via"] as const) {
    expect(neighboursMissing([{ ...entry, [member]: 1 }], [entry])).toEqual([entry]);
  }
});

test.each<[Neighbour, string]>([
  [entry, "neighbour 192.0.2.9 02:00:00:00:00:09"],
  [{ ...entry, flags: 8, lladdr: null }, "proxy 192.0.2.9"],
  [fdb, "fdb 02:00:00:00:00:09 self"],
  [{ ...fdb, flags: 4, address: "192.0.2.1" }, "fdb 02:00:00:00:00:09 dst 192.0.2.1 master"],
])("%# for a person", (neighbour, text) => expect(neighbourText(neighbour)).toBe(text));

describe("qdiscs", () => {
  const tbf = { kind: "tbf", handle: 0x80010000, options: "00" };
  const htb = { kind: "htb", handle: 0x10000, options: "00" };

  test("are the same in all, or both none", () => {
    expect(isSameQdisc(tbf, { ...tbf })).toBeTrue();
    expect(isSameQdisc(null, null)).toBeTrue();
    for (const other of [null, htb, { ...tbf, options: "01" }, { ...tbf, handle: 1 }]) {
      expect(isSameQdisc(tbf, other)).toBeFalse();
    }
    expect(qdiscText(tbf)).toBe("tbf 8001:");
  });

  test("without classes are put back, and others told", () => {
    expect([isRestorableQdisc(tbf), isRestorableQdisc(htb)]).toEqual([true, false]);
    const bare = snapshotOf(deviceOf());
    const goal = (qdisc: typeof tbf) => ({ ...bare, neighbours: [entry], qdisc, ingress: "clsact" });
    const steps = (qdisc: typeof tbf) =>
      plan({ place: "inside", snapshot: bare }, { place: "home", snapshot: goal(qdisc), ifindex: null }).map(
        stepText,
      );
    expect(steps(tbf)).toEqual([
      "move home: up",
      "add neighbour 192.0.2.9 02:00:00:00:00:09",
      "set qdisc tbf 8001:",
    ]);
    expect(steps(htb)).toEqual(["move home: up", "add neighbour 192.0.2.9 02:00:00:00:00:09"]);
    const anew = "what hangs on it (classes, filters) is to be made again by whoever made it";
    expect(differences(bare, goal(htb))).toEqual([
      "neighbour 192.0.2.9 02:00:00:00:00:09 is not there",
      `qdisc htb 1: is not there: ${anew}`,
      `ingress qdisc clsact is not there: ${anew}`,
    ]);
    expect(differences(goal(tbf), goal(tbf))).toEqual([]);
  });
});
