import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY } from "../../../src/domain/address.ts";
import { differences, plan } from "../../../src/domain/plan.ts";
import { type Route, routeText } from "../../../src/domain/route.ts";
import { inOrderOfNeed, isKernelRoute, routesAfter, routesMissing } from "../../../src/domain/routes.ts";
import { stepText } from "../../../src/domain/step.ts";
import { route } from "./arbitrary-route.ts";
import { addressOf, deviceOf, routeOf, snapshotOf } from "./samples.ts";

const [LOCAL, KERNEL, BOOT, RA] = [2, 2, 3, 9];

describe("isKernelRoute", () => {
  const known = {
    addresses: [
      addressOf("192.0.2.1/24"),
      addressOf("192.0.3.1/24", { flags: 0x80 | IFA_F_NOPREFIXROUTE }),
      addressOf("192.0.4.1/24", { metric: 77 }),
      addressOf("192.0.5.1/24", { flags: 0x80 | IFA_F_SECONDARY }),
      addressOf("10.0.0.1/32", { peer: "10.0.0.2" }),
      addressOf("2001:db8::1/64"),
      addressOf("2001:db8:1::1/128", { peer: "2001:db8:1::2", flags: 0x80 | IFA_F_NOPREFIXROUTE }),
    ],
    sysctls: {},
  };
  const kernel = { protocol: KERNEL, scope: 253 };

  test.each<[what: string, route: Route]>([
    ["the prefix of an address", routeOf("192.0.2.0/24", { ...kernel, source: "192.0.2.1" })],
    ["the prefix of one with a metric", routeOf("192.0.4.0/24", { ...kernel, metric: 77 })],
    ["an address of its own", routeOf("192.0.2.1/32", { protocol: KERNEL, type: LOCAL, table: 255 })],
    ["a peer", routeOf("10.0.0.2/32", kernel)],
    ["the prefix of an IPv6 address", routeOf("2001:db8::/64", { protocol: KERNEL, metric: 256 })],
    ["an IPv6 peer", routeOf("2001:db8:1::2/128", { protocol: KERNEL, metric: 256 })],
    ["what a router told", routeOf("::/0", { protocol: RA, via: "fe80::1", lifetime: 600 })],
    ["a router's prefix", routeOf("2001:db8:9::/64", { protocol: KERNEL, metric: 256, lifetime: 600 })],
  ])("%s is made by the kernel", (_, one) => expect(isKernelRoute(one, known)).toBeTrue());

  test.each<[what: string, route: Route]>([
    ["the same prefix, made by hand", routeOf("192.0.2.0/24", { protocol: BOOT, scope: 253 })],
    ["NetworkManager's, with a metric", routeOf("192.0.2.0/24", { ...kernel, metric: 100 })],
    ["NetworkManager's, of an address without one", routeOf("192.0.3.0/24", kernel)],
    ["one of a secondary address", routeOf("192.0.5.0/24", kernel)],
    ["a longer prefix", routeOf("192.0.2.0/25", kernel)],
    ["one with a gateway", routeOf("192.0.2.0/24", { ...kernel, via: "192.0.2.9" })],
    ["an IPv6 prefix with a metric", routeOf("2001:db8::/64", { protocol: KERNEL, metric: 100 })],
    ["a default route", routeOf("0.0.0.0/0", { protocol: BOOT, via: "192.0.2.9" })],
  ])("%s is not", (_, one) => expect(isKernelRoute(one, known)).toBeFalse());

  test.each([
    [{ "ipv6.accept_ra": 0 }, false],
    [{ "ipv6.accept_ra": 1 }, true],
    [{ "ipv6.accept_ra": 1, "ipv6.forwarding": 1 }, false],
    [{ "ipv6.accept_ra": 2, "ipv6.forwarding": 1 }, true],
  ])("a router's default route where it has %o: %p", (sysctls, isMade) => {
    const fromRouter = routeOf("::/0", { protocol: RA, via: "fe80::1", metric: 1024, lifetime: 600 });
    expect(isKernelRoute(fromRouter, { addresses: [], sysctls })).toBe(isMade);
  });
});

describe("inOrderOfNeed", () => {
  test("what is on the link comes before what is behind a gateway, and else nothing changes", () => {
    const [a, b, c, d] = [
      routeOf("10.1.0.0/16", { via: "192.0.2.9" }),
      routeOf("192.0.2.9/32", { scope: 253 }),
      routeOf("10.1.0.0/16", { via: "192.0.2.8" }),
      routeOf("10.2.0.0/16", { via: "10.200.0.1", onlink: true }),
    ];
    expect(inOrderOfNeed([a, b, c, d])).toEqual([b, d, a, c]);
  });

  test("no route is lost or made", () => {
    fc.assert(
      fc.property(fc.array(route), (routes) => {
        expect(routesMissing(inOrderOfNeed(routes), routes)).toEqual([]);
        expect(inOrderOfNeed(routes)).toHaveLength(routes.length);
      }),
    );
  });
});

test("routesAfter: those that expire are gone by then, and the others have less left", () => {
  const [short, long, ever] = [30, 600, null].map((lifetime) => routeOf("::/0", { lifetime }));
  const routes = [short, long, ever].filter((one) => one !== undefined);
  expect(routesAfter(routes, 30).map(({ lifetime }) => lifetime)).toEqual([570, null]);
  expect(routesAfter(routes, 0)).toEqual(routes);
});

describe("routesMissing", () => {
  test("a route is the same as itself, and what runs is no difference", () => {
    fc.assert(
      fc.property(route, (one) => {
        const later = one.lifetime === null ? one : { ...one, lifetime: one.lifetime + 1 };
        expect(routesMissing([one], [later])).toEqual([]);
      }),
    );
  });

  test.each<[string, Partial<Route>]>([
    ["table", { table: 77 }],
    ["metric", { metric: 7 }],
    ["protocol", { protocol: 4 }],
    ["source", { source: "192.0.2.1" }],
    ["metrics", { metrics: { "2": 1400 } }],
    ["tos", { tos: 16 }],
    ["nexthop object", { nexthopId: 5 }],
    ["lifetime", { lifetime: 60 }],
    ["nexthop", { nexthops: [{ device: null, gateway: "192.0.2.8", onlink: false, weight: 1 }] }],
  ])("another %s is another route", (_, members) => {
    const one = routeOf("10.1.0.0/16", { via: "192.0.2.9" });
    expect(routesMissing([{ ...one, ...members }], [one])).toEqual([one]);
  });

  test("of an IPv6 route with several nexthops the device's own count", () => {
    const own = { device: null, gateway: "2001:db8::2", onlink: false, weight: 3 };
    const others = { device: 8, gateway: "2001:db8:1::2", onlink: false, weight: 2 };
    const whole = { ...routeOf("2001:db8:f::/48"), nexthops: [others, own] };
    expect(routesMissing([{ ...whole, nexthops: [own, { ...others, device: 9 }] }], [whole])).toEqual([]);
    expect(routesMissing([{ ...whole, nexthops: [others] }], [whole])).toEqual([whole]);
  });
});

describe("plan", () => {
  const device = deviceOf();
  const home = {
    ...snapshotOf(device, addressOf("192.0.2.1/24")),
    routes: [routeOf("0.0.0.0/0", { via: "192.0.2.9" })],
  };

  test("routes come after the addresses", () => {
    const away = { ...home, addresses: [], routes: [] };
    const steps = plan({ place: "inside", snapshot: away }, { place: "home", snapshot: home, ifindex: null });
    expect(steps.map(stepText)).toEqual([
      "move home: up",
      "add address 192.0.2.1/24",
      "add route default via 192.0.2.9",
    ]);
  });

  test("a route that is there stays, and one that was not there goes", () => {
    const more = routeOf("10.0.0.0/8", { via: "192.0.2.9" });
    const now = { ...home, routes: [...home.routes, more] };
    const goal = { place: "home" as const, snapshot: home, ifindex: null };
    expect(plan({ place: "home", snapshot: now }, goal)).toEqual([{ type: "delete-route", route: more }]);
    const kernels = routeOf("192.0.2.0/24", { protocol: 2, scope: 253 });
    expect(plan({ place: "home", snapshot: { ...home, routes: [...home.routes, kernels] } }, goal)).toEqual(
      [],
    );
  });

  test("what is not there is told, and why", () => {
    const [encapsulated, byObject] = [
      { ...routeOf("10.1.0.0/16"), encapsulated: true },
      { ...routeOf("10.2.0.0/16"), nexthopId: 5 },
    ];
    const wanted = { ...home, routes: [...home.routes, encapsulated, byObject] };
    expect(differences({ ...home, routes: [] }, wanted)).toEqual([
      "route default via 192.0.2.9 is not there",
      "route 10.1.0.0/16 is not there: its packets are encapsulated, or have realms by nexthop",
      "route 10.2.0.0/16 is not there as it was: nexthop object 5 went with the device, and it has nexthops of its own now",
    ]);
    const steps = plan({ place: "home", snapshot: home }, { place: "home", snapshot: wanted, ifindex: null });
    expect(steps.map(stepText)).toEqual(["add route 10.2.0.0/16"]);
  });
});

test.each<[Route, string]>([
  [routeOf("0.0.0.0/0", { via: "192.0.2.9", metric: 100 }), "default via 192.0.2.9 metric 100"],
  [routeOf("::/0", { via: "fe80::1" }), "IPv6 default via fe80::1"],
  [routeOf("10.0.0.1/32", { source: "192.0.2.1", table: 7 }), "10.0.0.1 src 192.0.2.1 table 7"],
  [routeOf("10.0.0.0/8", { via: "192.0.2.9", onlink: true }), "10.0.0.0/8 via 192.0.2.9 onlink"],
])("%# a route for a person", (one, text) => expect(routeText(one)).toBe(text));
