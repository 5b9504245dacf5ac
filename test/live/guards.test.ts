import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";

// "Guards: never `lo`; never a device that carries the route to a default next hop (any table, either family),
// itself or as a lower device at any depth of the one that does; never a device that others are built on; never a
// bridge, bond, team or VRF master. `force = true` lifts the second and third."

const D0 = [...makeDevice("veth", "d0"), "link set d0 up", "addr add 192.0.2.1/24 dev d0"];
const D0_IPV6 = [...D0, "addr add 2001:db8::1/64 dev d0 nodad"];
const onBridge = [...D0, "link add br0 type bridge", "link set br0 up", "link set d0 master br0"];
const viaBridge = [...onBridge, "addr add 198.51.100.1/24 dev br0"];

/** A default route over a tunnel that is bound to no device. */
const tunnelTo = (remote: string) => [
  `link add vx0 type vxlan id 7 remote ${remote} dstport 4789`,
  "link set vx0 up",
  "addr add 203.0.113.65/26 dev vx0",
  "route add default via 203.0.113.126 dev vx0",
];

const guarded: [title: string, host: string[], device: string, forceLifts: boolean][] = [
  ["the loopback device", [], "lo", false],
  ["a bridge", ["link add br0 type bridge"], "br0", false],
  ["the device of the default route", [...D0, "route add default via 192.0.2.254"], "d0", true],
  ["the device of a default route without next hop", [...D0, "route add default dev d0"], "d0", true],
  ["the device of the IPv6 default route", [...D0_IPV6, "route add default via 2001:db8::ff"], "d0", true],
  [
    "a default route in a table of its own",
    [...D0, "route add default via 192.0.2.254 table 100"],
    "d0",
    true,
  ],
  [
    "an IPv6 default route in a table of its own",
    [...D0_IPV6, "route add default via 2001:db8::ff table 4000"],
    "d0",
    true,
  ],
  [
    "one of the paths of a default route",
    [
      ...D0,
      ...makeDevice("veth", "d1"),
      "link set d1 up",
      "addr add 198.51.100.1/24 dev d1",
      "route add default nexthop via 198.51.100.254 dev d1 nexthop via 192.0.2.254 dev d0",
    ],
    "d0",
    true,
  ],
  [
    "the device of a next hop object that the default route goes by",
    [...D0, "nexthop add id 7 via 192.0.2.254 dev d0", "route add default nhid 7"],
    "d0",
    true,
  ],
  [
    "a port of the bridge that carries the default route",
    [...viaBridge, "route add default via 198.51.100.254"],
    "d0",
    true,
  ],
  [
    "the lower device, two below, of the macvlan that carries the default route",
    [
      ...viaBridge,
      "link add m0 link br0 type macvlan",
      "link set m0 up",
      "addr add 203.0.113.1/24 dev m0",
      "route add default via 203.0.113.254 dev m0",
    ],
    "d0",
    true,
  ],
  [
    "the underlay of the tunnel that carries the default route",
    [
      ...D0,
      "link add vx0 type vxlan id 7 remote 192.0.2.9 dev d0 dstport 4789",
      "link set vx0 up",
      "addr add 203.0.113.1/24 dev vx0",
      "route add default via 203.0.113.254 dev vx0",
    ],
    "d0",
    true,
  ],
  [
    "the device by which a tunnel bound to none sends, that carries the default route",
    [...D0, "route add 203.0.113.9 via 192.0.2.254", ...tunnelTo("203.0.113.9")],
    "d0",
    true,
  ],
  [
    "a port of the bridge by which a tunnel bound to none sends over IPv6, that carries the IPv6 default route",
    [
      ...onBridge,
      "addr add 2001:db8:7::1/64 dev br0 nodad",
      ...tunnelTo("2001:db8:7::9"),
      "addr add 2001:db8:8::1/64 dev vx0 nodad",
      "route add default via 2001:db8:8::ff",
    ],
    "d0",
    true,
  ],
  [
    "one of the paths by which a tunnel bound to none sends, that carries the default route",
    [
      ...D0,
      ...makeDevice("veth", "d1"),
      "link set d1 up",
      "addr add 198.51.100.1/24 dev d1",
      "route add 10.0.0.0/8 nexthop via 198.51.100.254 dev d1 nexthop via 192.0.2.254 dev d0",
      ...tunnelTo("10.9.9.9"),
    ],
    "d0",
    true,
  ],
  [
    "the device by which a rule has a tunnel bound to none send, that carries the default route",
    [
      ...D0,
      "route add 10.0.0.0/8 via 192.0.2.254 table 100",
      "rule add to 10.9.9.9 lookup 100",
      ...tunnelTo("10.9.9.9"),
    ],
    "d0",
    true,
  ],
  ["the lower device of a macvlan", [...D0, "link add m0 link d0 type macvlan"], "d0", true],
  [
    "the underlay of a tunnel",
    [...D0, "link add vx0 type vxlan id 7 remote 192.0.2.9 dev d0 dstport 4789"],
    "d0",
    true,
  ],
];

for (const [title, commands, device, forceLifts] of guarded) {
  test(`${title} is not taken`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...commands);
    const before = await pictureOf(lab.host);
    await lab.start(mappingFor("c1", `match = { name = "${device}" }`));
    const container = await lab.container();

    expect(await lab.attach("c1", container)).toMatchObject({
      outcome: "refused",
      devices: [],
      error: { code: "device-guarded", device },
    });
    expect(await pictureOf(lab.host)).toEqual(before);
    expect(await container.netns.names()).toEqual(["witness"]);
  });

  test(`${title} is ${forceLifts ? "taken" : "not taken either"} by force`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...commands);
    const before = (await lab.host.devices())[device];
    await lab.start(mappingFor("c1", `match = { name = "${device}" }\nname = "eth1"\nforce = true`));
    const container = await lab.container();

    const verdict = await lab.attach("c1", container);
    expect(verdict.outcome).toBe(forceLifts ? "attached" : "refused");
    expect(await container.netns.names()).toEqual(forceLifts ? ["eth1", "witness"] : ["witness"]);
    await container.kill();
    await lab.daemon.empty();
    const after = (await lab.host.devices())[device];
    expect(after?.addresses).toEqual(before?.addresses);
  });
}

test("a glob passes over what is guarded and takes the next", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...D0,
    "route add default via 192.0.2.254",
    ...makeDevice("ifb", "d1"),
    ...makeDevice("ifb", "d2"),
    "link add d3 type bridge",
  );
  await lab.start(mappingFor("c1", 'match = { name = "d?" }\ncount = "all"'));
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict.devices.map((device) => device.host_name)).toEqual(["d1", "d2"]);
});

test("what is built on a device may go: a macvlan, not its lower device", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...D0, "link add m0 link d0 type macvlan", "route add default via 192.0.2.254");
  await lab.start(mappingFor("c1", 'match = { name = "m0" }'));
  expect(await lab.attach("c1", await lab.container())).toMatchObject({ outcome: "attached" });
});

test("what a vxlan in a container is built on stays, by force too", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...D0, "link add vx0 type vxlan id 7 remote 192.0.2.9 dev d0 dstport 4789");
  const forced = mappingFor("c2", 'match = { name = "d0" }\nforce = true');
  await lab.start(mappingFor("c1", 'match = { name = "vx0" }') + forced);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached" });
  expect(await lab.attach("c2", await lab.container())).toMatchObject({
    outcome: "refused",
    error: { code: "device-guarded", device: "d0" },
  });
  expect(await container.netns.names()).toEqual(["vx0", "witness"]);
});

test("a guard counts at the event: a default route that came after the start guards, one that went does not", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...D0);
  await lab.start(mappingFor("c1", 'match = { name = "d0" }'));
  const container = await lab.container();
  await lab.host.ip("route add default via 192.0.2.254");
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "refused",
    error: { code: "device-guarded" },
  });
  await lab.host.ip("route del default");
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached" });
});

test("by nexthop objects alone (nexthop_compat_mode = 0) both families' default routes guard, and so do tunnels", async () => {
  await using lab = await Lab.create();
  await lab.onHost("sysctl", "-qw", "net.ipv4.nexthop_compat_mode=0");
  for (const [name, net] of [
    ["d0", 0],
    ["d1", 1],
    ["d2", 2],
  ] as const) {
    await lab.host.ip(
      ...makeDevice("veth", name),
      `link set ${name} up`,
      `addr add 10.0.${net}.1/24 dev ${name}`,
      `addr add 2001:db8:${net}::1/64 dev ${name} nodad`,
    );
  }
  await lab.host.ip(
    "nexthop add id 1 via 10.0.0.254 dev d0",
    "nexthop add id 2 group 1",
    "route add default nhid 2 table 100",
    "nexthop add id 3 via 2001:db8:1::ff dev d1",
    "route add ::/0 nhid 3 table 100",
    "nexthop add id 4 via 10.0.2.254 dev d2",
    "route add 203.0.113.9 nhid 4",
    ...tunnelTo("203.0.113.9"),
    ...makeDevice("ifb", "d3"),
  );
  await lab.start(mappingFor("c1", 'match = { name = "d?" }\ncount = "all"'));
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict.devices.map((device) => device.host_name)).toEqual(["d3"]);
});

test("a device that the route to a tunnel's other end does not leave by is taken", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...D0,
    ...makeDevice("veth", "d1"),
    "link set d1 up",
    "addr add 198.51.100.1/24 dev d1",
    "route add 203.0.113.9 via 192.0.2.254",
    ...tunnelTo("203.0.113.9"),
  );
  await lab.start(mappingFor("c1", 'match = { name = "d1" }'));
  expect(await lab.attach("c1", await lab.container())).toMatchObject({ outcome: "attached" });
});

test("among 5,000 links the one that carries the default route guards the bridge port that is two below it", async () => {
  await using lab = await Lab.create();
  const many = Array.from({ length: 5000 }, (_, at) => `link add x${at} link br0 type macvlan`);
  await lab.host.ip(...viaBridge, ...makeDevice("ifb", "d1"), ...many);
  await lab.host.ip("link set x4711 up", "addr add 203.0.113.1/24 dev x4711");
  await lab.host.ip("route add default via 203.0.113.254 dev x4711");
  await lab.start(mappingFor("c1", 'match = { name = "d?" }\ncount = "all"'));
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict.devices.map((device) => device.host_name)).toEqual(["d1"]);
});
