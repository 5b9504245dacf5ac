import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ContainerEvent } from "../../../src/domain/event.ts";
import type { ContainerCondition } from "../../../src/domain/mapping.ts";
import { selected, selectorText, selects, whyFor, whyNotFor } from "../../../src/domain/match.ts";
import { deviceOf, selectorOf } from "./samples.ts";

const EVENT: ContainerEvent = {
  type: "container",
  name: "e.json",
  id: "trainer-7",
  status: "creating",
  target: { by: "pid", pid: 4711 },
  bundle: "/var/lib/b/7",
  annotations: { "com.example.nic": "rdma0", empty: "" },
  writtenAt: 0,
};

function conditionOf(members: Partial<ContainerCondition>): ContainerCondition {
  return { id: null, annotations: {}, bundle: null, ...members };
}

describe("whyNotFor", () => {
  test.each([
    [{ id: "trainer-7" }],
    [{ id: "trainer-*" }],
    [{ bundle: "/var/*" }],
    [{ annotations: { "com.example.nic": "rdma*" } }],
    [{ annotations: { empty: "" } }],
    [{ annotations: { empty: "*" } }],
    [{ id: "*", bundle: "/var/lib/b/?", annotations: { "com.example.nic": "rdma[0-9]", empty: "" } }],
  ])("%o holds", (members) => expect(whyNotFor(EVENT, conditionOf(members))).toBeNull());

  test.each([
    [{ id: "trainer" }, 'id "trainer-7" does not match "trainer"'],
    [{ id: "Trainer-*" }, 'id "trainer-7" does not match "Trainer-*"'],
    [{ bundle: "/opt/*" }, 'bundle "/var/lib/b/7", and "/opt/*" is asked for'],
    [{ annotations: { other: "*" } }, 'the event has no annotation "other"'],
    [{ annotations: { empty: "?*" } }, 'annotation "empty" is "", and "?*" is asked for'],
    [{ annotations: { "com.example.nic": "rdma*", other: "*" } }, 'the event has no annotation "other"'],
    [{ id: "trainer-*", bundle: "/opt/*" }, 'bundle "/var/lib/b/7", and "/opt/*" is asked for'],
  ])("%o does not", (members, why) => expect(whyNotFor(EVENT, conditionOf(members))).toBe(why));

  test.each(["constructor", "toString", "__proto__"])(
    "an event has no annotation %j unless it says so",
    (key) => {
      const annotations = Object.fromEntries([[key, "*"]]);
      expect(whyNotFor(EVENT, conditionOf({ annotations }))).toBe(`the event has no annotation "${key}"`);
    },
  );

  test("an event without a bundle has none of any folder", () => {
    expect(whyNotFor({ ...EVENT, bundle: null }, conditionOf({ bundle: "/*" }))).toBe(
      'the event names no bundle, and "/*" is asked for',
    );
  });
});

describe("whyFor", () => {
  test.each([
    [{}, "it is for every container"],
    [{ id: "trainer-*" }, 'id "trainer-7" matches "trainer-*"'],
    [
      { id: "*", bundle: "/var/*", annotations: { "com.example.nic": "rdma*", empty: "" } },
      'id "trainer-7" matches "*", bundle "/var/lib/b/7" matches "/var/*", annotation "com.example.nic" is "rdma0" and matches "rdma*", annotation "empty" is "" and matches ""',
    ],
  ])("%o", (members, why) => expect(whyFor(EVENT, conditionOf(members))).toBe(why));
});

describe("selects", () => {
  const device = deviceOf({
    name: "enp3s0f1",
    altnames: ["rdma0", "wan"],
    mac: "02:00:00:00:00:01",
    permanentMac: "02:00:00:00:00:02",
    kind: "macvlan",
  });

  test.each([
    [{ name: "enp3s0f1" }, true],
    [{ name: "enp*" }, true],
    [{ name: "rdma0" }, false],
    [{ altname: "rdma*" }, true],
    [{ altname: "enp*" }, false],
    [{ mac: "02:00:00:00:00:01" }, true],
    [{ mac: "02:00:00:00:00:02" }, false],
    [{ permanentMac: "02:00:00:00:00:02" }, true],
    [{ permanentMac: "02:00:00:00:00:01" }, false],
    [{ kind: "mac*" }, true],
    [{ kind: "veth" }, false],
    [{ name: "enp*", kind: "veth" }, false],
    [{ name: "enp*", altname: "wan", mac: "02:00:00:00:00:01", kind: "macvlan" }, true],
  ])("%o: %p", (conditions, holds) => expect(selects(selectorOf(conditions), device)).toBe(holds));

  test("a device that tells no permanent MAC has its present one", () => {
    const bare = { ...device, permanentMac: null };
    expect(selects(selectorOf({ permanentMac: "02:00:00:00:00:01" }), bare)).toBe(true);
  });

  test("hardware has no kind that a name of one could match", () => {
    expect(selects(selectorOf({ kind: "?*" }), deviceOf({ kind: null }))).toBe(false);
  });

  test("every condition more can only take devices away", () => {
    const condition = fc.record(
      {
        name: fc.constantFrom("enp*", "eth*"),
        altname: fc.constantFrom("wan", "lan"),
        mac: fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:09"),
        kind: fc.constantFrom("macvlan", "veth"),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(condition, condition, (some, more) => {
        const both = selects(selectorOf({ ...some, ...more }), device);
        const [one, other] = [selects(selectorOf(some), device), selects(selectorOf(more), device)];
        const overlap = Object.keys(some).some((key) => key in more);
        expect(both && !other).toBe(false);
        if (!overlap) expect(both).toBe(one && other);
      }),
    );
  });
});

describe("selects by what driver and bus tell", () => {
  const pf = { pci: "0000:01:00.0", names: ["ens1f0", "enp1s0f0"] };
  const device = deviceOf({ hardware: { pci: "0000:01:10.0", driver: "igbvf", pf } });

  test.each([
    [{ pci: "0000:01:10.0" }, true],
    [{ pci: "0000:01:10.1" }, false],
    [{ driver: "igbvf" }, true],
    [{ driver: "igb*" }, true],
    [{ driver: "igb" }, false],
    [{ pf: "ens1f0" }, true],
    [{ pf: "enp*" }, true],
    [{ pf: "ens1" }, false],
    [{ pf: "0000:01:00.0" }, true],
    [{ pf: "0000:01:10.0" }, false],
    [{ pci: "0000:01:10.0", driver: "igbvf", pf: "ens1f0", name: "ens4" }, true],
    [{ pci: "0000:01:10.0", driver: "igbvf", pf: "ens1f1" }, false],
  ])("%o: %p", (conditions, holds) => expect(selects(selectorOf(conditions), device)).toBe(holds));

  test.each([{ pci: "0000:01:10.0" }, { driver: "*?" }, { pf: "*" }])(
    "%o holds for none that tells nothing, nor for one that was not asked",
    (conditions) => {
      const silent = deviceOf({ hardware: { pci: null, driver: null, pf: null } });
      expect(selects(selectorOf(conditions), silent)).toBe(false);
      expect(selects(selectorOf(conditions), deviceOf())).toBe(false);
    },
  );
});

describe("selected", () => {
  test("is in natural order of name, whatever the order of finding", () => {
    const devices = ["eth10", "wlan0", "eth9", "eth1"].map((name, at) => deviceOf({ name, ifindex: at + 2 }));
    const names = selected(selectorOf({ name: "eth*" }), devices).map(({ name }) => name);
    expect(names).toEqual(["eth1", "eth9", "eth10"]);
  });
});

describe("selectorText", () => {
  test("is as the config spells it", () => {
    const text = selectorText(selectorOf({ kind: "veth", permanentMac: "02:00:00:00:00:01", name: "e*" }));
    expect(text).toBe('name = "e*", permanent_mac = "02:00:00:00:00:01", kind = "veth"');
    const hardware = selectorText(selectorOf({ pf: "ens1*", pci: "0000:01:10.0", driver: "igbvf" }));
    expect(hardware).toBe('pci = "0000:01:10.0", driver = "igbvf", pf = "ens1*"');
  });
});
