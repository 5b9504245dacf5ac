import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { differences } from "../../../../src/domain/plan.ts";
import { withoutKernelRoutes } from "../../../../src/domain/routes.ts";
import type { Snapshot } from "../../../../src/domain/snapshot.ts";
import { compare } from "../../../../src/service/drill/compare.ts";
import { snapshot } from "../../domain/arbitrary.ts";
import { addressOf, deviceOf, routeOf, snapshotOf } from "../../domain/samples.ts";

const before: Snapshot = {
  ...snapshotOf(deviceOf(), addressOf("192.0.2.1/24"), addressOf("2001:db8::1/64")),
  routes: [routeOf("198.51.100.0/24", { via: "192.0.2.254" })],
  qdisc: { kind: "htb", handle: 0x10000, options: "" },
  sysctls: { "ipv4.arp_ignore": 1, "ipv6.accept_ra": 0 },
};

const lost = (after: Snapshot) => compare(before, after).filter(({ fate }) => fate === "lost");

describe("what became of each thing:", () => {
  test("all is back where nothing is otherwise", () => {
    const things = compare(before, before);
    expect(things.filter(({ fate, told }) => fate !== "back" || told !== null)).toEqual([]);
    const told = things.map(({ thing }) => thing);
    expect(told).toContain("name ens4");
    expect(told).toContain("address 192.0.2.1/24");
    expect(told).toContain("route 198.51.100.0/24 via 192.0.2.254");
    expect(told).toContain("qdisc htb 1:");
    expect(told).toContain("sysctls: 2 of them");
  });

  test("what is otherwise is told with what it is and was", () => {
    expect(lost({ ...before, device: deviceOf({ mtu: 1400, ifindex: 9 }) })).toEqual([
      { thing: "number 7", fate: "lost", told: "number is 9, not 7" },
      { thing: "mtu 1500", fate: "lost", told: "mtu is 1400, not 1500" },
    ]);
    expect(lost({ ...before, device: deviceOf({ operstate: "down" }) })).toEqual([
      { thing: "carrier up", fate: "lost", told: "carrier is down, not up" },
    ]);
    expect(lost({ ...before, addresses: before.addresses.slice(1), qdisc: null, sysctls: {} })).toEqual([
      { thing: "address 192.0.2.1/24", fate: "lost", told: "address 192.0.2.1/24 is not there" },
      expect.objectContaining({ thing: "qdisc htb 1:", fate: "lost" }),
      expect.objectContaining({ thing: "sysctl ipv4.arp_ignore = 1", fate: "lost" }),
      expect.objectContaining({ thing: "sysctl ipv6.accept_ra = 0", fate: "lost" }),
    ]);
  });

  test("what there may be beside is told of where it is", () => {
    const beside = { token: "::7:0:0:1", multicasts: ["33:33:00:00:77:77"] };
    const of = (after: Snapshot) =>
      compare({ ...before, ...beside }, after)
        .filter(({ thing }) => /^(token|static multicast)/.test(thing))
        .map(({ thing, fate }) => [thing, fate]);
    const told = (fate: string) => [
      ["static multicast address 33:33:00:00:77:77", fate],
      ["token ::7:0:0:1", fate],
    ];
    expect(of({ ...before, ...beside })).toEqual(told("back"));
    expect(of(before)).toEqual(told("lost"));
  });

  test("what the kernel makes is made anew, and told where it is not there yet", () => {
    const linkLocal = addressOf("fe80::ff:fe00:7/64", { scope: 253 });
    const route = routeOf("192.0.2.0/24", { protocol: 2, scope: 253, source: "192.0.2.1" });
    const made = {
      ...before,
      addresses: [...before.addresses, linkLocal],
      routes: [...before.routes, route],
    };
    const anew = (after: Snapshot) =>
      compare(made, after)
        .filter(({ fate }) => fate !== "back")
        .map(({ fate, told }) => [fate, told]);
    expect(anew(made)).toEqual([
      ["anew", null],
      ["anew", null],
    ]);
    expect(anew(before)).toEqual([
      ["anew", "not there yet"],
      ["anew", "not there yet"],
    ]);
  });

  test("the order of addresses, which is that of no single one, is not passed over", () => {
    const [first = addressOf("192.0.2.1/24")] = before.addresses;
    const two = [first, addressOf("192.0.2.2/24", { flags: 0x81 })];
    const told = compare({ ...before, addresses: two }, { ...before, addresses: two.toReversed() });
    expect(told.some(({ fate }) => fate === "lost")).toBe(true);
  });

  test("something is told as lost exactly where the way home would find something to do", () => {
    const parts = fc.subarray(
      ["device", "addresses", "routes", "port", "neighbours", "qdisc", "sysctls"] as const,
      {
        maxLength: 2,
      },
    );
    fc.assert(
      fc.property(snapshot, snapshot, parts, (was, found, otherwise) => {
        const other = { ...was, ...Object.fromEntries(otherwise.map((part) => [part, found[part]])) };
        const is = { ...other, device: { ...other.device, ifindex: was.device.ifindex, operstate: "up" } };
        const kept = withoutKernelRoutes(was);
        const told = compare({ ...was, device: { ...was.device, operstate: "up" } }, is);
        const isAllBack = differences(is, kept).length === 0;
        expect(told.every(({ fate }) => fate !== "lost")).toBe(isAllBack && !was.daemonRoutes);
      }),
    );
  });
});
