import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { isSettled } from "../helpers/picture.ts";
import { until } from "../helpers/until.ts";

// "However the container, the daemon or its namespace ends, the device is home with its routes, in every table."

/** d0 with addresses of both families, and e0 beside it, which stays. */
const HOST = [
  ...makeDevice("veth", "d0"),
  ...makeDevice("veth", "e0"),
  "link set d0 up",
  "link set e0 up",
  "addr add 192.0.2.1/24 dev d0",
  "addr add 198.51.100.1/24 dev e0",
  "addr add 2001:db8::1/64 dev d0 nodad",
  "addr add 2001:db8:1::1/64 dev e0 nodad",
];

/** All routes of a namespace that are no link-local address's own, with what ip(8) tells of each, but for seconds. */
async function routes(netns: Namespace): Promise<string[]> {
  const lists = await Promise.all(
    ["-4", "-6"].map((family) => netns.json(`-details ${family} route show table all`)),
  );
  return lists
    .flat()
    .map(({ expires, ...route }) =>
      JSON.stringify({ ...route, ...(expires === undefined ? {} : { expires: "runs" }) }),
    )
    .filter((route) => !/"dst":"(fe80::\/64|fe80::[^"]*|ff00::\/8)"/.test(route))
    .toSorted();
}

/** Waits for what the kernel makes a moment after an IPv6 address: the local route to it. */
async function whole(netns: Namespace): Promise<string[]> {
  await until("the local routes of all addresses", () => isSettled(netns));
  return await routes(netns);
}

/** One of each sort, in an order that the kernel takes. */
const ROUTES = [
  "route add 203.0.113.0/24 dev d0",
  "route add 10.1.0.0/16 via 192.0.2.254 metric 100 src 192.0.2.1 proto 186",
  "route add default via 192.0.2.254 metric 500 mtu 1400 advmss 1000 table 77",
  "route add 10.2.0.0/16 via 10.200.0.1 dev d0 onlink",
  "route add 10.3.0.0/16 dev d0 tos 0x10",
  "route add 10.3.0.0/16 dev d0 scope host metric 9",
  "route add 10.4.0.0/16 via inet6 fe80::99 dev d0",
  "route add 10.5.0.0/16 via 203.0.113.9 realms 3/4",
  "route add 10.6.0.0/16 via 192.0.2.2 table 4711 congctl cubic rto_min 5ms",
  "route append 10.7.0.0/16 via 192.0.2.2",
  "route append 10.7.0.0/16 via 192.0.2.3",
  "route add 10.9.0.0/16 nexthop via 198.51.100.2 dev e0 weight 2 nexthop via 192.0.2.2 dev d0 weight 3",
  "route add 10.10.0.0/16 nexthop via 192.0.2.2 dev d0 nexthop via 192.0.2.3 dev d0 weight 5",
  "route add 2001:db8:a::/48 dev d0",
  "route add 2001:db8:b::/48 via 2001:db8::2 metric 7 src 2001:db8::1 proto 186",
  "route add default via fe80::1 dev d0 metric 9 pref high table 77",
  "route add 2001:db8:c::/48 via fe80::2 dev d0 expires 900",
  "route add 2001:db8:d::/48 from 2001:db8:8::/48 via 2001:db8::3 dev d0",
  "route add 2001:db8:e::/48 via 2001:db8::2 mtu 1300 hoplimit 9",
  "route add 2001:db8:f::/48 nexthop via 2001:db8:1::2 dev e0 weight 2 nexthop via 2001:db8::2 dev d0 weight 3",
  "route add 2001:db8:10::/48 nexthop via 2001:db8::2 dev d0 nexthop via 2001:db8::3 dev d0",
];

test("a device is home with every route that it had, in every table and of every sort", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST, ...ROUTES);
  const before = await whole(lab.host);
  expect(before.length).toBeGreaterThan(ROUTES.length);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).warnings).toEqual([]);
  // None goes along where none is asked for.
  expect((await routes(container.netns)).filter((route) => !route.includes('"protocol":"kernel"'))).toEqual(
    [],
  );

  await container.kill();
  await lab.daemon.empty();
  expect(await whole(lab.host)).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

for (const kind of ["veth", "macvlan", "tap", "ifb", "vxlan"] as const) {
  test(`a ${kind} is home with its routes`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(
      ...makeDevice(kind, "d0"),
      ...furnish("d0"),
      "addr add 192.0.2.129/25 dev d0",
      "route add 10.1.0.0/16 via 192.0.2.254 dev d0",
      "route add 2001:db8:b::/48 via fe80::2 dev d0",
    );
    const before = await whole(lab.host);
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect((await lab.attach("c1", container)).outcome).toBe("attached");
    await container.kill();
    await lab.daemon.empty();
    await until("the routes of all addresses", async () => (await whole(lab.host)).length >= before.length);
    expect(await whole(lab.host)).toEqual(before);
  });
}

test("NetworkManager's way: prefix routes of its own, with metrics, which say to be the kernel's", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 dev d0 noprefixroute",
    "addr add 2001:db8::1/64 dev d0 noprefixroute nodad",
    "route add 192.0.2.0/24 dev d0 proto kernel scope link src 192.0.2.1 metric 100",
    "route add 2001:db8::/64 dev d0 proto kernel metric 100",
    "route add fe80::/64 dev d0 proto kernel metric 1024",
  );
  const before = await routes(lab.host);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.kill();
  await lab.daemon.empty();
  expect(await routes(lab.host)).toEqual(before);
  expect(await lab.host.json("-6 route show fe80::/64 metric 1024")).toHaveLength(1);
});

test("routes of a device that could not stay inside are there again", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST, ...ROUTES, ...makeDevice("ifb", "d4"));
  const before = await whole(lab.host);
  await lab.start(
    mappingFor(
      "c1",
      'match = { name = "d0" }\nforce = true',
      'match = { name = "d4" }\nmac = "02:00:00:00:00:04"',
    ),
  );
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("failed");
  expect(await whole(lab.host)).toEqual(before);
});

test("routes are there again whose gateways nothing leads to any more", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...HOST,
    "addr add 203.0.113.1/24 dev d0",
    "addr add 2001:db8:7::1/64 dev d0 nodad",
    "route add 10.1.0.0/16 via 203.0.113.254 dev d0 metric 7",
    "route add 10.2.0.0/16 nexthop via 203.0.113.8 dev d0 nexthop via 198.51.100.9 dev e0",
    "route add 2001:db8:b::/48 via 2001:db8:7::9 dev d0 metric 77 pref high",
    "addr del 203.0.113.1/24 dev d0",
    "addr del 2001:db8:7::1/64 dev d0",
  );
  const before = await whole(lab.host);
  expect(before.filter((route) => /203.0.113|2001:db8:7::9/.test(route))).toHaveLength(3);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.kill();
  await lab.daemon.empty();
  expect(await whole(lab.host)).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

test("a default route is there again", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST, "route add default via 192.0.2.254", "route add default via 2001:db8::2");
  const before = await whole(lab.host);
  await lab.start(mappingFor("c1", 'match = { name = "d0" }\nforce = true'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.kill();
  await lab.daemon.empty();
  expect(await whole(lab.host)).toEqual(before);
});

test("a route by a nexthop object is there again with a nexthop of its own, and that is told", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST, "nexthop add id 5 via 192.0.2.9 dev d0", "route add 10.5.0.0/16 nhid 5");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    expect.stringContaining("nexthop object 5"),
  ]);
  expect(await lab.host.json("route show 10.5.0.0/16")).toMatchObject([{ gateway: "192.0.2.9", dev: "d0" }]);
});

test("nexthop objects that no route has are told by plan, verdict and status, and when it is home without them", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...HOST,
    "nexthop add id 4 via 198.51.100.2 dev e0",
    "nexthop add id 5 via 192.0.2.9 dev d0",
    "nexthop add id 6 dev d0",
    "nexthop add id 7 via fe80::9 dev d0",
    "nexthop add id 8 group 4/5",
  );
  expect(await lab.host.json("nexthop show dev d0")).toHaveLength(3);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const plan = await lab.plan({ id: "c1", status: "creating", pid: container.pid });
  const objects = ["nexthop object 5 via 192.0.2.9", "nexthop object 6", "nexthop object 7 via fe80::9"];
  for (const object of objects) expect(plan.stdout).toContain(`d0 will come home without its ${object}: `);
  const attached = await lab.attach("c1", container);
  expect(attached.warnings).toHaveLength(objects.length);
  const { containers } = await lab.daemon.status();
  expect(containers[0]?.warnings).toEqual([...attached.warnings]);
  expect((await lab.host.json("nexthop show")).map(({ id }) => id)).toEqual([4, 8]);
  const returned = await lab.event({ id: "c1", status: "stopped" });
  expect(returned.outcome).toBe("returned");
  expect(returned.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual(
    objects.map((object) =>
      expect.stringContaining(`not-as-wanted: d0 is home, and its ${object} is not there: `),
    ),
  );
});

test("a device is home with more routes than one datagram holds", async () => {
  await using lab = await Lab.create();
  const many = Array.from({ length: 6000 }, (_, at) => `route add 10.${at >> 8}.${at & 255}.0/24 dev d0`);
  await lab.host.ip(...HOST, ...many);
  const before = await routes(lab.host);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  await container.kill();
  await lab.daemon.empty();
  expect(await routes(lab.host)).toEqual(before);
});

test("more routes of routing daemons than are kept are told, and all others are there again", async () => {
  await using lab = await Lab.create();
  const many = Array.from(
    { length: 20_001 },
    (_, at) => `route add 20.${at >> 16}.${(at >> 8) & 255}.${at & 255} dev d0 proto bgp`,
  );
  await lab.host.ip(...HOST, "route add 10.9.0.0/16 via 192.0.2.9 proto static", ...many);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const { outcome, warnings } = await lab.attach("c1", container);
  expect(outcome).toBe("attached");
  expect(warnings.map(({ code }) => code)).toEqual(["not-as-wanted"]);
  expect(warnings[0]?.message).toContain("without its 20001 routes of routing daemons");
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.json("route show dev d0 proto bgp")).toEqual([]);
  expect(await lab.host.json("route show dev d0 proto static")).toHaveLength(1);
});
