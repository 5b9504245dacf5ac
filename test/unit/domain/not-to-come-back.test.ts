import { expect, test } from "bun:test";
import { planAttach } from "../../../src/domain/attach-plan.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { deviceOf, mappingOf, requestOf, routeOf, snapshotOf } from "./samples.ts";

// What a device will come home without is told before it goes: by a plan, and with the verdict.

const PORT = { settings: { cost: 7 }, vlans: null };

test.each<[what: string, members: Partial<Snapshot>]>([
  ["qdisc htb 1:", { qdisc: { kind: "htb", handle: 0x10000, options: "" } }],
  ["nexthop object 5 via 192.0.2.9", { nexthops: [{ id: 5, gateway: "192.0.2.9" }] }],
  ["nexthop object 6", { nexthops: [{ id: 6, gateway: null }] }],
  ["static multicast address 33:33:00:00:77:77", { multicasts: ["33:33:00:00:77:77"] }],
  ["ingress qdisc clsact and its filters", { ingress: "clsact" }],
  ["ingress qdisc ingress and its filters", { ingress: "ingress" }],
  [
    "options of VLAN 100-105 (tunnel_info id 1000)",
    {
      port: {
        ...PORT,
        vlans: [{ first: 100, last: 105, pvid: false, untagged: false, options: "tunnel_info id 1000" }],
      },
    },
  ],
  ["state disabled as a port of its bridge", { port: { ...PORT, settings: { state: 0 } } }],
  ["20001 routes of routing daemons, which are too many to keep", { daemonRoutes: 20_001 }],
  ["route 10.9.0.0/16", { routes: [routeOf("10.9.0.0/16", { encapsulated: true })] }],
])("%s", (what, members) => {
  const chosen = [{ ...snapshotOf(deviceOf()), ...members }];
  const plan = planAttach(mappingOf(), [{ request: requestOf(), chosen, passedOver: [] }], []);
  const message = `${deviceOf().name} will come home without its ${what}: it is to be made again by whoever made it`;
  expect(plan).toMatchObject({
    ok: true,
    warnings: [{ code: "not-as-wanted", message, device: deviceOf().name }],
  });
});

test("nothing of what comes home with it", () => {
  const chosen = [
    {
      ...snapshotOf(deviceOf()),
      // Told when it is home, where its route has a nexthop of its own.
      routes: [routeOf("10.9.0.0/16", { via: "192.0.2.9", nexthopId: 5 })],
      nexthops: [{ id: 5, gateway: "192.0.2.9" }],
      port: { ...PORT, settings: { state: 1 } },
      qdisc: { kind: "tbf", handle: 0x10000, options: "" },
    },
  ];
  const plan = planAttach(mappingOf(), [{ request: requestOf(), chosen, passedOver: [] }], []);
  expect(plan).toMatchObject({ ok: true, warnings: [] });
});
