import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_CHANGE, type Step, separately, stepText } from "../../../src/domain/step.ts";
import { addressOf, routeOf } from "./samples.ts";

const ALL = {
  name: "eth1",
  mtu: 9000,
  mac: "02:00:00:00:00:01",
  alias: "a b",
  txqueuelen: 5,
  group: 7,
  master: 5,
  flags: 0x1100,
  up: true,
};

describe("stepText", () => {
  const texts: readonly (readonly [Step, string])[] = [
    [{ type: "move", to: "inside", ifindex: null, change: NO_CHANGE }, "move inside"],
    [
      { type: "move", to: "home", ifindex: 7, change: ALL },
      'move home: name eth1, mtu 9000, mac 02:00:00:00:00:01, alias "a b", txqueuelen 5, group 7, port of device 5, promisc on allmulticast off multicast on arp on, up',
    ],
    [{ type: "change", change: { ...NO_CHANGE, up: false } }, "set down"],
    [{ type: "change", change: { ...NO_CHANGE, alias: "" } }, 'set alias ""'],
    [{ type: "change", change: { ...NO_CHANGE, txqueuelen: 0, group: 0 } }, "set txqueuelen 0, group 0"],
    [{ type: "change", change: { ...NO_CHANGE, master: 0 } }, "set no port"],
    [{ type: "set-sysctls", sysctls: { "ipv4.arp_ignore": 1 } }, "set sysctls ipv4.arp_ignore = 1"],
    [{ type: "set-port", of: "bridge", settings: { hairpin: 1, cost: 7 } }, "set port hairpin 1, cost 7"],
    [
      { type: "add-route", route: routeOf("10.0.0.0/8", { via: "192.0.2.9" }) },
      "add route 10.0.0.0/8 via 192.0.2.9",
    ],
    [{ type: "delete-route", route: routeOf("10.0.0.1/32") }, "delete route 10.0.0.1"],
    [{ type: "add-altname", altname: "wan" }, "add altname wan"],
    [{ type: "delete-altname", altname: "wan" }, "delete altname wan"],
    [{ type: "add-address", address: addressOf("192.0.2.1/24"), proven: true }, "add address 192.0.2.1/24"],
    [{ type: "delete-address", address: addressOf("2001:db8::1/64") }, "delete address 2001:db8::1/64"],
  ];
  test.each(texts)("%#", (step, text) => expect(stepText(step)).toBe(text));
});

describe("separately", () => {
  test("a name and a MAC stay with their move, and every other change comes by itself", () => {
    expect(separately([{ type: "move", to: "home", ifindex: 7, change: ALL }]).map(stepText)).toEqual([
      "move home: name eth1, mac 02:00:00:00:00:01",
      "set mtu 9000",
      'set alias "a b"',
      "set txqueuelen 5",
      "set group 7",
      "set port of device 5",
      "set promisc on allmulticast off multicast on arp on",
      "set up",
    ]);
  });

  test("a rename goes first, and a move without changes stays one", () => {
    expect(separately([{ type: "change", change: { ...ALL, up: null } }]).map(stepText)[0]).toBe(
      "set name eth1",
    );
    const move: Step = { type: "move", to: "inside", ifindex: null, change: NO_CHANGE };
    expect(separately([move])).toEqual([move]);
  });

  test("nothing is lost, doubled or out of order", () => {
    const change = fc.record({
      name: fc.option(fc.constant("eth1")),
      mtu: fc.option(fc.nat()),
      mac: fc.option(fc.constant("02:00:00:00:00:01")),
      alias: fc.option(fc.string()),
      txqueuelen: fc.option(fc.nat()),
      group: fc.option(fc.nat()),
      master: fc.option(fc.nat()),
      flags: fc.option(fc.constant(0x1000)),
      up: fc.option(fc.boolean()),
    });
    const step: fc.Arbitrary<Step> = fc.oneof(
      change.map((change) => ({ type: "change" as const, change })),
      change.map((change) => ({ type: "move" as const, to: "home" as const, ifindex: 7, change })),
      fc.constant({ type: "add-altname" as const, altname: "wan" }),
    );
    const set = (steps: readonly Step[]): unknown[] =>
      steps.flatMap((one): unknown[] => {
        if (!("change" in one)) return [one];
        const { name, mac, ...others } = one.change;
        const inOrder = one.type === "move" ? { name, mac, ...others } : one.change;
        return Object.entries(inOrder).filter(([, value]) => value !== null);
      });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), (steps) => {
        const each = separately(steps);
        expect(set(each)).toEqual(set(steps));
        for (const one of each) {
          if (one.type === "change") expect(set([one])).toHaveLength(1);
        }
      }),
    );
  });
});
