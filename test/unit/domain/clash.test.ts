import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { withFreeNames } from "../../../src/domain/clash.ts";
import { deviceOf, snapshotOf } from "./samples.ts";

const own = deviceOf({ name: "ens4", altnames: ["nic-one", "nic-two"] });
const other = (name: string, ...altnames: string[]) =>
  deviceOf({ ifindex: 20, name, altnames, mac: "02:00:00:00:00:20" });

function namesBeside(...others: ReturnType<typeof other>[]) {
  const { name, altnames } = withFreeNames(snapshotOf(own), others).device;
  return [name, ...altnames];
}

describe("withFreeNames", () => {
  test("leaves free names alone, and everything else always", () => {
    const snapshot = snapshotOf(own);
    expect(withFreeNames(snapshot, [other("eth0")])).toEqual(snapshot);
    expect(withFreeNames(snapshot, [other("ens4")])).toEqual({
      ...snapshot,
      device: { ...own, name: "netdevd0" },
    });
  });

  test.each([
    ["the name is another's", [other("ens4")], ["netdevd0", "nic-one", "nic-two"]],
    ["the name is another's altname", [other("eth0", "ens4")], ["netdevd0", "nic-one", "nic-two"]],
    ["an altname is another's name", [other("nic-one")], ["ens4", "nic-two"]],
    ["an altname is another's altname", [other("eth0", "nic-two")], ["ens4", "nic-one"]],
    [
      "the stand-in is taken",
      [other("ens4"), other("netdevd0", "netdevd1")],
      ["netdevd2", "nic-one", "nic-two"],
    ],
  ])("where %s", (_, others, names) => expect(namesBeside(...others)).toEqual(names));

  test("another device of the same MAC and kind, as VLANs of one parent are, is in its way", () => {
    const vlan = deviceOf({ kind: "vlan", name: "eth0.10" });
    const brother = { ...vlan, ifindex: 20 };
    expect(withFreeNames(snapshotOf(vlan), [brother]).device.name).toBe("netdevd0");
  });

  test("never ends with a name that another has", () => {
    const name = fc.constantFrom("ens4", "nic-one", "nic-two", "netdevd0", "netdevd1", "x");
    const others = fc.array(fc.tuple(name, fc.uniqueArray(name, { maxLength: 3 })));
    fc.assert(
      fc.property(others, (list) => {
        const names = namesBeside(...list.map(([first, rest]) => other(first, ...rest)));
        for (const taken of list.flatMap(([first, rest]) => [first, ...rest]))
          expect(names).not.toContain(taken);
      }),
    );
  });
});
