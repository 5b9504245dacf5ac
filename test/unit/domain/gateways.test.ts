import { expect, test } from "bun:test";
import { IFA_F_NOPREFIXROUTE } from "../../../src/domain/address.ts";
import { waysToGateways } from "../../../src/domain/gateways.ts";
import { plan } from "../../../src/domain/plan.ts";
import type { Route } from "../../../src/domain/route.ts";
import { stepText } from "../../../src/domain/step.ts";
import { addressOf, deviceOf, routeOf, snapshotOf } from "./samples.ts";

// A gateway has to be on the link when a route is made, and not afterwards.

const addresses = [
  addressOf("192.0.2.1/24"),
  addressOf("192.0.3.1/24", { flags: IFA_F_NOPREFIXROUTE }),
  addressOf("10.0.0.1/32", { peer: "10.0.0.2" }),
  addressOf("2001:db8::1/64"),
];
const having = (routes: readonly Route[]) => ({ ...snapshotOf(deviceOf(), ...addresses), routes });
const link = routeOf("203.0.113.0/24", { scope: 253 });

test.each<[gateway: string, isNeeded: boolean]>([
  ["192.0.2.9", false],
  ["192.0.3.9", true],
  ["192.0.4.9", true],
  ["10.0.0.2", false],
  ["10.0.0.1", true],
  ["203.0.113.9", false],
  ["2001:db8::9", false],
  ["2001:db8:1::9", true],
  ["fe80::9", false],
])("a way to %s is needed: %p", (gateway, isNeeded) => {
  const one = routeOf(gateway.includes(":") ? "2001:db8:9::/48" : "10.9.0.0/16", { via: gateway });
  const ways = waysToGateways([one, one], having([link, one]));
  expect(ways.map(({ to }) => to)).toEqual(isNeeded ? [gateway] : []);
});

test("one that is taken to be on the link, or on that of another device, needs none", () => {
  const onlink: Route = routeOf("10.9.0.0/16", { via: "10.7.7.7" });
  const nexthops = onlink.nexthops.map((nexthop) => ({ ...nexthop, onlink: true }));
  const elsewhere = onlink.nexthops.map((nexthop) => ({ ...nexthop, device: 7 }));
  const routes = [
    { ...onlink, nexthops },
    { ...onlink, nexthops: elsewhere },
  ];
  expect(waysToGateways(routes, having(routes))).toEqual([]);
});

test("a way is there while the routes are made, and gone afterwards; inside there is none", () => {
  const routes = [routeOf("10.9.0.0/16", { via: "192.0.4.9" }), routeOf("10.8.0.0/16", { via: "192.0.4.9" })];
  const snapshot = having(routes);
  const away = snapshotOf(deviceOf());
  const steps = (place: "home" | "inside") =>
    plan(
      { place: place === "home" ? "inside" : "home", snapshot: away },
      { place, snapshot, ifindex: null },
    ).filter(({ type }) => type.endsWith("-route"));
  expect(steps("inside").map(stepText)).toEqual(
    routes.map((route) => stepText({ type: "add-route", route })),
  );
  const [way, ...rest] = steps("home");
  expect(way).toMatchObject({ type: "add-route", route: { to: "192.0.4.9", prefixLength: 32, scope: 253 } });
  expect(rest).toMatchObject([
    { type: "add-route", route: { to: "10.9.0.0" } },
    { type: "add-route", route: { to: "10.8.0.0" } },
    { type: "delete-route", route: { to: "192.0.4.9", prefixLength: 32 } },
  ]);
});
