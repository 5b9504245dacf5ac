import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type PassedOver, type Pick, planAttach } from "../../../src/domain/attach-plan.ts";
import type { Device } from "../../../src/domain/device.ts";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { lackingYet } from "../../../src/domain/shortage.ts";
import type { Code, Problem } from "../../../src/domain/verdict.ts";
import { snapshot } from "./arbitrary.ts";
import { deviceOf, mappingOf, requestOf, selectorOf, snapshotOf } from "./samples.ts";

function pickOf(
  members: Partial<Pick["request"]>,
  chosen: readonly Device[],
  ...passedOver: PassedOver[]
): Pick {
  return { request: requestOf(members), chosen: chosen.map((device) => snapshotOf(device)), passedOver };
}

function devicesNamed(...names: readonly string[]): Device[] {
  return names.map((name, at) => deviceOf({ name, ifindex: at + 2 }));
}

function passed(name: string): PassedOver {
  return { name, problem: { code: "device-guarded", message: `${name} is not given away`, device: name } };
}

function namesOf(plan: ReturnType<typeof planAttach>): string[] | Problem {
  return plan.ok ? plan.devices.map(({ wanted }) => wanted.device.name) : plan.conflict;
}

function conflictOf(...args: Parameters<typeof planAttach>): Problem {
  const plan = planAttach(...args);
  if (plan.ok) throw new Error(`no conflict, but a plan for ${plan.devices.length} devices`);
  return plan.conflict;
}

const MAPPING = mappingOf();
const inside = devicesNamed("lo");

describe("names inside", () => {
  test("are the host's where none is asked for", () => {
    expect(namesOf(planAttach(MAPPING, [pickOf({}, devicesNamed("ens4"))], inside))).toEqual(["ens4"]);
  });

  test("are the first free numbers of a pattern, across requests", () => {
    const picks = [
      pickOf({ name: "net%d", count: 2 }, devicesNamed("a", "b")),
      pickOf({ name: "net0x" }, devicesNamed("c")),
      pickOf({ name: "net%d" }, devicesNamed("d")),
    ];
    const there = [...inside, deviceOf({ name: "net1", altnames: ["net3"] })];
    expect(namesOf(planAttach(MAPPING, picks, there))).toEqual(["net0", "net2", "net0x", "net4"]);
  });

  test.each([
    ["the name of a device that is there", [deviceOf({ name: "eth1" })]],
    ["the altname of a device that is there", [deviceOf({ name: "x", altnames: ["eth1"] })]],
  ])("conflict: %s", (_, there) => {
    expect(conflictOf(MAPPING, [pickOf({ name: "eth1" }, devicesNamed("ens4"))], there)).toEqual({
      code: "name-taken",
      message:
        'ens4 cannot go inside: the name "eth1" is taken there; give it another `name`, or a pattern such as "net%d"',
      device: "ens4",
    });
  });

  test("conflict: an altname that goes along", () => {
    const device = deviceOf({ name: "ens4", altnames: ["wan"] });
    expect(conflictOf(MAPPING, [pickOf({ name: "eth1" }, [device])], devicesNamed("wan"))).toMatchObject({
      code: "name-taken",
      message: expect.stringContaining('its altname "wan" is taken there'),
      device: "ens4",
    });
  });

  test("no conflict: an altname that becomes the name, which takes it off", () => {
    const device = deviceOf({ name: "ens4", altnames: ["eth1"] });
    expect(namesOf(planAttach(MAPPING, [pickOf({ name: "eth1" }, [device])], inside))).toEqual(["eth1"]);
  });

  test("no conflict: two devices that swap their names", () => {
    const [one, other] = devicesNamed("eth0", "eth1");
    if (one === undefined || other === undefined) throw new Error("two devices were made");
    const picks = [pickOf({ name: "eth1" }, [one]), pickOf({ name: "eth0" }, [other])];
    expect(namesOf(planAttach(MAPPING, picks, inside))).toEqual(["eth1", "eth0"]);
  });

  test.each([
    [
      "two devices of one name",
      [pickOf({ name: "eth1" }, devicesNamed("a")), pickOf({ name: "eth1" }, devicesNamed("b"))],
    ],
    [
      "a name that is another's altname",
      [
        pickOf({}, [deviceOf({ name: "a", altnames: ["eth1"] })]),
        pickOf({ name: "eth1" }, devicesNamed("b")),
      ],
    ],
  ])("conflict: %s", (_, picks) => {
    expect(conflictOf(MAPPING, picks, inside)).toEqual({
      code: "same-name-twice",
      message: 'b cannot go inside: another device of the same container gets the name "eth1"',
      device: "b",
    });
  });

  test("conflict: a pattern that a number makes too long", () => {
    const there = Array.from({ length: 10 }, (_, number) => deviceOf({ name: `fourteen-chars${number}` }));
    expect(conflictOf(MAPPING, [pickOf({ name: "fourteen-chars%d" }, devicesNamed("a"))], there)).toEqual({
      code: "name-invalid",
      message:
        'a cannot be called "fourteen-chars10" inside: the name has 16 bytes, and the kernel takes 15 at most',
      device: "a",
    });
  });
});

test("all conflicts are told, those of names and those of devices that are not there", () => {
  const picks = [
    pickOf({ name: "eth1" }, devicesNamed("a")),
    pickOf({}, []),
    pickOf({ name: "eth2" }, devicesNamed("b")),
    pickOf({ name: "eth2" }, devicesNamed("c")),
  ];
  const result = planAttach(MAPPING, picks, [...inside, deviceOf({ name: "eth1" })]);
  if (result.ok) throw new Error("there are conflicts");
  expect(result.conflicts.map(({ code, device }) => [code, device])).toEqual([
    ["name-taken", "a"],
    ["device-missing", null],
    ["same-name-twice", "c"],
  ]);
  expect(result.conflict).toBe(result.conflicts[0] ?? result.conflict);
});

describe("too few devices", () => {
  const byKind = selectorOf({ kind: "veth" });

  test.each([
    [
      "none there",
      pickOf({}, []),
      "device-missing",
      'no device of the host has name = "ens4"; `ip link` lists those there are',
    ],
    [
      "none there of all",
      pickOf({ count: "all" }, []),
      "device-missing",
      'no device of the host has name = "ens4"; `ip link` lists those there are',
    ],
    ["the only one guarded", pickOf({}, [], passed("ens4")), "device-guarded", "ens4 is not given away"],
    [
      "all guarded",
      pickOf({ match: byKind, count: "all" }, [], passed("a"), passed("b")),
      "too-few-devices",
      '0 of 1 devices with kind = "veth" are to be had: a is not given away; b is not given away',
    ],
    [
      "some missing",
      pickOf({ match: byKind, count: 3 }, devicesNamed("a", "b")),
      "too-few-devices",
      '2 of 3 devices with kind = "veth" are to be had: the host has no more',
    ],
    [
      "some guarded",
      pickOf({ match: byKind, count: 2 }, devicesNamed("a"), passed("b")),
      "too-few-devices",
      '1 of 2 devices with kind = "veth" are to be had: b is not given away',
    ],
  ] as const)("%s", (_, pick, code, message) => {
    expect(conflictOf(MAPPING, [pick], inside)).toMatchObject({ code, message });
    const optional = planAttach(mappingOf({ required: false }), [pick], inside);
    expect(optional).toMatchObject({ ok: true, warnings: [{ code, message }] });
    expect(optional.ok && optional.devices.length).toBe(pick.chosen.length);
  });

  test("all of those that are free are all, though others are guarded", () => {
    const plan = planAttach(MAPPING, [pickOf({ count: "all" }, devicesNamed("a", "b"), passed("c"))], inside);
    expect(plan).toMatchObject({ ok: true, warnings: [] });
    expect(namesOf(plan)).toEqual(["a", "b"]);
  });

  test("a name that clashes is a conflict though the mapping is not required", () => {
    const optional = mappingOf({ required: false });
    expect(conflictOf(optional, [pickOf({ name: "lo" }, devicesNamed("a"))], inside).code).toBe("name-taken");
  });
});

describe("laws", () => {
  const name = fc.constantFrom(null, "eth0", "eth9", "net%d", "wan%d");
  const pick: fc.Arbitrary<Pick> = fc
    .tuple(name, fc.array(snapshot, { minLength: 1, maxLength: 3 }))
    .map(([name, chosen]) => ({
      request: requestOf({ name, count: chosen.length }),
      chosen,
      passedOver: [],
    }));
  const there = fc.array(
    snapshot.map(({ device }) => device),
    { maxLength: 2 },
  );

  test("a plan gives no name or altname twice, and none that is taken", () => {
    fc.assert(
      fc.property(fc.array(pick, { maxLength: 3 }), there, (picks, devices) => {
        const plan = planAttach(MAPPING, picks, devices);
        if (!plan.ok) return;
        const given = plan.devices.flatMap(({ wanted }) => [wanted.device.name, ...wanted.device.altnames]);
        expect(new Set(given).size).toBe(given.length);
        for (const device of devices) {
          for (const taken of [device.name, ...device.altnames]) expect(given).not.toContain(taken);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a plan has every device chosen, in order, from what it is", () => {
    fc.assert(
      fc.property(fc.array(pick, { maxLength: 3 }), (picks) => {
        const plan = planAttach(MAPPING, picks, []);
        if (!plan.ok) return;
        expect(plan.devices.map(({ snapshot }) => snapshot)).toEqual(picks.flatMap(({ chosen }) => chosen));
      }),
    );
  });
});

describe("lackingYet", () => {
  const device = snapshotOf(deviceOf());
  const short = (count: number, ...codes: readonly Code[]): Pick => ({
    request: requestOf({ count }),
    chosen: [device],
    passedOver: codes.map((code) => ({ name: "x", problem: { code, message: code, device: "x" } })),
  });
  const lacking = (mapping: Mapping, ...picks: readonly Pick[]) =>
    lackingYet(mapping, picks, planAttach(mapping, picks, []))?.code ?? null;

  test.each([
    ["nothing", null, [short(1)]],
    ["a device that is not there", "too-few-devices", [short(2)]],
    ["one that is held", "too-few-devices", [short(2, "device-held")]],
    ["one that is guarded", null, [short(2, "device-guarded")]],
    [
      "one that is guarded and one that is held",
      "too-few-devices",
      [short(3, "device-guarded", "device-held")],
    ],
    ["first one that is guarded, then one that is not there", null, [short(2, "device-guarded"), short(2)]],
  ] as [string, Code | null, Pick[]][])("of %s: %p", (_, code, picks) => {
    expect(lacking(mappingOf(), ...picks)).toBe(code);
  });

  test("without `required`, a guard keeps nobody from waiting for something else", () => {
    const other = { ...short(2), chosen: [snapshotOf(deviceOf({ name: "ens5" }))] };
    const picks = [short(2, "device-guarded"), other];
    expect(lacking(mappingOf({ required: false }), ...picks)).toBe("too-few-devices");
    expect(lacking(mappingOf({ required: false }), short(2, "device-guarded"))).toBeNull();
  });

  test("a clash of names does not go away by waiting", () => {
    const mapping = mappingOf();
    const picks = [short(1), short(2)];
    const taken = [deviceOf({ name: "ens4" })];
    expect(lackingYet(mapping, picks, planAttach(mapping, picks, taken))).toBeNull();
  });
});
