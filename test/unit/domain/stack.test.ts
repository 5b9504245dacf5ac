import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stackOf, throughDevice } from "../../../src/domain/stack.ts";
import { deviceOf } from "./samples.ts";

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
    // By the routes to its other end, of which two paths leave by the VLAN and by other.
    deviceOf({ ifindex: 11, name: "gre0", kind: "gre" }),
    deviceOf({ ifindex: 12, name: "gre0.7", kind: "vlan", link: 11 }),
  ];
  const stack = stackOf(devices, new Map([[11, [6, 9]]]));
  const through = (name: string) =>
    devices
      .filter((device) => device.name === name)
      .flatMap((device) => throughDevice(device, stack).map((found) => found.name))
      .toSorted();

  test.each([
    ["eth0", ["bond0", "br0", "br0.10", "eth0", "gre0", "gre0.7", "mv0", "vx0"]],
    ["eth1", ["bond0", "br0", "br0.10", "eth1", "gre0", "gre0.7", "mv0", "vx0"]],
    ["br0", ["br0", "br0.10", "gre0", "gre0.7", "mv0", "vx0"]],
    ["br0.10", ["br0.10", "gre0", "gre0.7", "mv0", "vx0"]],
    ["vx0", ["vx0"]],
    ["other", ["gre0", "gre0.7", "other"]],
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
        const stack = stackOf(devices);
        const found = throughDevice(first, stack);
        expect(new Set(found).size).toBe(found.length);
        expect(found).toContain(first);
        for (const device of found) {
          for (const above of throughDevice(device, stack)) expect(found).toContainEqual(above);
        }
      }),
    );
  });
});

test("what is above a device is told with how it rests on it, and found among any number of others", () => {
  const others = Array.from({ length: 5000 }, (_, at) =>
    deviceOf({ ifindex: 100 + at, name: `x${at}`, kind: "vlan", link: 99 }),
  );
  const port = deviceOf({ ifindex: 2, name: "eth0", master: 3 });
  const bridge = deviceOf({ ifindex: 3, name: "br0", kind: "bridge" });
  const macvlan = deviceOf({ ifindex: 4, name: "mv0", kind: "macvlan", link: 2 });
  const stack = stackOf([...others, port, bridge, macvlan]);
  expect(stack.above(2).map(({ device, rest }) => [device.name, rest])).toEqual([
    ["br0", "master"],
    ["mv0", "built-on"],
  ]);
  expect(stack.above(99)).toHaveLength(5000);
  expect(stack.above(7)).toEqual([]);
});
