import { describe, expect, test } from "bun:test";
import { absoluteGuard, builtOnGuard, defaultRouteGuard } from "../../../src/domain/guard.ts";
import { stackOf } from "../../../src/domain/stack.ts";
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
    expect(builtOnGuard(lower, stackOf([lower, upper]), [])).toMatchObject({
      rule: "built-on",
      liftable: true,
      reason: "carries up, which is built on it",
    });
    expect(builtOnGuard(upper, stackOf([lower, upper]), [])).toBeNull();
  });

  test.each([
    ["a veth's other end", { kind: "veth", link: 2 }],
    ["a netkit's other end", { kind: "netkit", link: 2 }],
    ["a vxcan's other end", { kind: "vxcan", link: 2 }],
    [
      "one whose lower device is in another namespace, with the same ifindex",
      { kind: "macvlan", link: 2, linkNetnsid: 0 },
    ],
    [
      "a vxlan bound to a device of the namespace that it was made in, with the same ifindex",
      { kind: "vxlan", underlay: 2, link: 3, linkNetnsid: 0 },
    ],
    [
      "a tunnel that sends by the routes",
      { kind: "vxlan", remote: { address: "192.0.2.9", source: null, mark: 0 } },
    ],
    ["a port beside it", { master: 9 }],
  ])("none for %s", (_, members) => {
    expect(builtOnGuard(lower, stackOf([lower, deviceOf({ ifindex: 3, ...members })]), [])).toBeNull();
  });

  test("of a device that carries one which is in a container", () => {
    const away = deviceOf({ ifindex: 3, name: "mv0", kind: "macvlan", link: 2 });
    expect(builtOnGuard(lower, stackOf([lower]), [away])?.reason).toBe("carries mv0, which is built on it");
  });

  test("a device that names itself as its link is not built on itself", () => {
    expect(builtOnGuard(lower, stackOf([{ ...lower, link: 2 }]), [])).toBeNull();
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
