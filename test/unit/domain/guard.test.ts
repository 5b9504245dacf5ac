import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { absoluteGuard, builtOnGuard, defaultRouteGuard, throughDevice } from "../../../src/domain/guard.ts";
import { deviceOf } from "./samples.ts";

const LOOPBACK = 772;

describe("absoluteGuard", () => {
  test.each([
    [{ name: "lo", type: LOOPBACK }, "loopback", "loopback device"],
    [{ kind: "bridge" }, "master", "a bridge"],
    [{ kind: "bond" }, "master", "a bond"],
    [{ kind: "team" }, "master", "a team"],
    [{ kind: "vrf" }, "master", "a vrf"],
    [{ netnsImmutable: true }, "immutable", "IFLA_NETNS_IMMUTABLE"],
  ])("%o", (members, rule, reason) => {
    const guard = absoluteGuard(deviceOf(members));
    expect(guard).toMatchObject({ rule, liftable: false });
    expect(guard?.reason).toContain(reason);
  });

  test.each([{}, { kind: "veth" }, { kind: "macvlan" }, { netnsImmutable: false }, { master: 3 }])(
    "none for %o",
    (members) => expect(absoluteGuard(deviceOf(members))).toBeNull(),
  );
});

const lower = deviceOf({ ifindex: 2, name: "eth0" });

describe("builtOnGuard", () => {
  test.each([
    ["a VLAN", { kind: "vlan", link: 2 }],
    ["a macvlan", { kind: "macvlan", link: 2 }],
    ["a tunnel by its link", { kind: "gre", link: 2 }],
    ["a vxlan by its underlay", { kind: "vxlan", underlay: 2 }],
    ["hardware that has a lower device", { kind: null, link: 2 }],
  ])("of a device that carries %s", (_, members) => {
    const upper = deviceOf({ ifindex: 3, name: "up", ...members });
    expect(builtOnGuard(lower, [lower, upper])).toMatchObject({
      rule: "built-on",
      liftable: true,
      reason: "carries up, which is built on it",
    });
    expect(builtOnGuard(upper, [lower, upper])).toBeNull();
  });

  test.each([
    ["a veth's other end", { kind: "veth", link: 2 }],
    ["a netkit's other end", { kind: "netkit", link: 2 }],
    ["a vxcan's other end", { kind: "vxcan", link: 2 }],
    [
      "one whose lower device is in another namespace, with the same ifindex",
      { kind: "macvlan", link: 2, linkNetnsid: 0 },
    ],
    ["a port beside it", { master: 9 }],
  ])("none for %s", (_, members) => {
    expect(builtOnGuard(lower, [lower, deviceOf({ ifindex: 3, ...members })])).toBeNull();
  });

  test("a device that names itself as its link is not built on itself", () => {
    expect(builtOnGuard(lower, [{ ...lower, link: 2 }])).toBeNull();
  });
});

describe("throughDevice", () => {
  // eth0 and eth1 in bond0, which is a port of br0; a VLAN on br0, a macvlan on the VLAN, a vxlan over it.
  const devices = [
    deviceOf({ ifindex: 2, name: "eth0", master: 4 }),
    deviceOf({ ifindex: 3, name: "eth1", master: 4 }),
    deviceOf({ ifindex: 4, name: "bond0", kind: "bond", master: 5 }),
    deviceOf({ ifindex: 5, name: "br0", kind: "bridge" }),
    deviceOf({ ifindex: 6, name: "br0.10", kind: "vlan", link: 5 }),
    deviceOf({ ifindex: 7, name: "mv0", kind: "macvlan", link: 6 }),
    deviceOf({ ifindex: 8, name: "vx0", kind: "vxlan", underlay: 6 }),
    deviceOf({ ifindex: 9, name: "other" }),
    deviceOf({ ifindex: 10, name: "veth0", kind: "veth", link: 9 }),
  ];
  const through = (name: string) =>
    devices
      .filter((device) => device.name === name)
      .flatMap((device) => throughDevice(device, devices).map((found) => found.name))
      .toSorted();

  test.each([
    ["eth0", ["bond0", "br0", "br0.10", "eth0", "mv0", "vx0"]],
    ["eth1", ["bond0", "br0", "br0.10", "eth1", "mv0", "vx0"]],
    ["br0", ["br0", "br0.10", "mv0", "vx0"]],
    ["br0.10", ["br0.10", "mv0", "vx0"]],
    ["vx0", ["vx0"]],
    ["other", ["other"]],
    ["veth0", ["veth0"]],
  ])("%s is under %j", (name, names) => expect(through(name)).toEqual(names));

  test("ends for any devices, circles too, and holds with each device all that is above it", () => {
    const index = fc.integer({ min: 2, max: 9 });
    const any = fc.uniqueArray(
      fc
        .record({
          ifindex: index,
          link: fc.option(index),
          master: fc.option(index),
          underlay: fc.option(index),
          kind: fc.constantFrom("vlan", "veth", "bridge", null),
        })
        .map((members) => deviceOf({ name: `d${members.ifindex}`, ...members })),
      { selector: ({ ifindex }) => ifindex, minLength: 1 },
    );
    fc.assert(
      fc.property(any, (devices) => {
        const [first] = devices;
        if (first === undefined) return;
        const found = throughDevice(first, devices);
        expect(new Set(found).size).toBe(found.length);
        expect(found).toContain(first);
        for (const device of found) {
          for (const above of throughDevice(device, devices)) expect(found).toContainEqual(above);
        }
      }),
    );
  });
});

describe("defaultRouteGuard", () => {
  test("names the device that the route names", () => {
    expect(defaultRouteGuard(lower, lower)).toEqual({
      rule: "default-route",
      liftable: true,
      reason: "carries a default route",
    });
    expect(defaultRouteGuard(lower, deviceOf({ ifindex: 5, name: "br0" })).reason).toBe(
      "lies under br0, which carries a default route",
    );
  });
});
