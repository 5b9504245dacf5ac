import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AttachedDevice, Attachment } from "../../../src/domain/attachment.ts";
import { literally } from "../../../src/domain/glob.ts";
import { selects } from "../../../src/domain/match.ts";
import { type NetDevice, notAllowed, sharing, withNetDevices } from "../../../src/domain/net-devices.ts";
import { deviceOf, mappingOf, requestOf, selectorOf, snapshotOf } from "./samples.ts";

const asked = (...names: readonly string[]): NetDevice[] =>
  names.map((hostName) => ({ hostName, name: null }));

describe("what a bundle may ask for:", () => {
  test("nothing where no pattern allows it", () => {
    expect(notAllowed("/b", asked("d0", "d1"), [])).toEqual({
      code: "device-not-allowed",
      message:
        'the bundle /b asks for d0, d1, which no pattern of `allow` is for; to let bundles have it, add "d0", "d1" to `allow` in [oci]',
      device: "d0",
    });
    expect(notAllowed("/b", [], [])).toBeNull();
  });

  test("what any pattern is for, over the whole name", () => {
    expect(notAllowed("/b", asked("ens4", "tap0"), ["tap?", "ens*"])).toBeNull();
    expect(notAllowed("/b", asked("ens4", "tap10"), ["tap?", "ens*"])).toMatchObject({ device: "tap10" });
    expect(notAllowed("/b", asked("Ens4"), ["ens*"])).toMatchObject({ device: "Ens4" });
  });

  test("adding what is said allows it, and nothing else", () => {
    const name = fc.string({ unit: fc.constantFrom(..."a*?[]\\!-"), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(name, name, (one, other) => {
        const text = notAllowed("/b", asked(one), [])?.message ?? "";
        const [, added = ""] = /, add (".*") to/.exec(text) ?? [];
        const pattern: unknown = JSON.parse(added);
        expect(pattern).toBe(literally(one));
        expect(notAllowed("/b", asked(other), [literally(one)]) === null).toBe(one === other);
      }),
    );
  });
});

describe("a mapping and a bundle together", () => {
  test("a bundle alone is needed, not waited for, and comes home", () => {
    expect(withNetDevices(null, [{ hostName: "d*", name: "eth0" }])).toMatchObject({
      name: "linux.netDevices",
      required: true,
      wait: 0,
      onExit: "return",
      devices: [
        { match: { name: "d\\*" }, name: "eth0", count: 1, addresses: null, routes: [], force: false },
      ],
    });
  });

  test("a name is no pattern", () => {
    const name = fc.string({ unit: fc.constantFrom(..."ab*?[]\\"), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(name, name, (one, other) => {
        const [request] = withNetDevices(null, asked(one))?.devices ?? [];
        const match = request?.match ?? selectorOf({});
        expect(selects(match, deviceOf({ name: other }))).toBe(one === other);
      }),
    );
  });

  test("nobody asks for anything", () => {
    expect(withNetDevices(null, [])).toBeNull();
    const mapping = mappingOf();
    expect(withNetDevices(mapping, [])).toEqual(mapping);
  });

  test("what both name is asked for once, as the mapping has it", () => {
    const own = requestOf({ match: selectorOf({ name: "d0" }), name: "eth0" });
    const mapping = mappingOf({ name: "m", required: false, wait: 5, onExit: "leave", devices: [own] });
    const both = withNetDevices(mapping, asked("d0", "d1"));
    expect(both).toEqual({
      ...mapping,
      devices: [own, expect.objectContaining({ netDevice: "d1", name: null })],
    });
  });
});

describe("what is there for others", () => {
  const device = deviceOf({ name: "d0" });
  const attachedDevice: AttachedDevice = {
    snapshot: snapshotOf(device),
    wanted: snapshotOf({ ...device, name: "eth4" }),
    settle: false,
    state: "inside",
    insideIfindex: 3,
    movedTo: null,
    ofBundle: true,
  };

  /** What a container that asks for d0 shares with one that has it, and whether it needs more. */
  function shares(name: string | null, members: Partial<AttachedDevice> = {}) {
    const mapping = withNetDevices(null, [{ hostName: "d0", name }]);
    if (mapping === null) throw new Error("nothing is asked for");
    const devices = [{ ...attachedDevice, ...members }];
    const { shared, rest } = sharing(mapping, [attachmentOf({ mapping: "linux.netDevices", devices })]);
    expect(rest).toEqual(shared.length === 0 ? mapping : null);
    return shared.length > 0;
  }

  test("is shared under the name that is asked for", () => {
    expect(shares("eth4")).toBe(true);
    expect(shares("eth%d")).toBe(true);
    expect(shares("eth5")).toBe(false);
    expect(shares(null)).toBe(false);
  });

  test("is shared under any name where a mapping gave it", () => {
    const { ofBundle: _, ...byMapping } = attachedDevice;
    const mapping = withNetDevices(null, asked("d0")) ?? mappingOf();
    expect(sharing(mapping, [attachmentOf({ devices: [byMapping] })]).rest).toBeNull();
  });

  test("is not there any more where it has gone home", () =>
    expect(shares("eth4", { state: "home" })).toBe(false));

  test("is not another device that is called so inside", () => {
    expect(shares("eth4", { snapshot: snapshotOf(deviceOf({ name: "d1" })) })).toBe(false);
  });

  test("is nothing, and all is left to be attached", () => {
    const mapping = withNetDevices(mappingOf(), asked("d1")) ?? mappingOf();
    expect(sharing(mapping, [])).toEqual({ shared: [], rest: mapping });
  });
});

function attachmentOf(members: Partial<Attachment>): Attachment {
  const holders = [{ id: "c1", pid: 7, startTime: 1, path: null, ended: false }];
  const mapping = "m";
  const rest = { key: 1, cookie: "9", onExit: "return", state: "attached", since: 0, event: "e" } as const;
  return { ...rest, mapping, holders, devices: [], warnings: [], error: null, ...members };
}
