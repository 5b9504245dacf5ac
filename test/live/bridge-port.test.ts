import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

// "The device is home with its bridge membership": in the same bridge, with all that was set of it as a port.

const BRIDGE = ["link add br0 type bridge", "link set br0 up"];
const PORT = [
  "hairpin on guard on root_block on fastleave on learning off flood off mcast_flood off bcast_flood off",
  "isolated on neigh_suppress on proxy_arp on mcast_router 2 cost 7 priority 9 group_fwd_mask 0x4000",
];

/** A port as ip(8) tells of it, without what the bridge works out by itself. */
async function port(netns: Namespace, name: string) {
  const [link] = await netns.json(`-details link show dev ${name}`);
  const { linkinfo, master } = link ?? {};
  const data: Record<string, unknown> = Object(Object(linkinfo).info_slave_data);
  const own = Object.entries(data).filter(([key]) => !/_timer$|^state$|^designated_|^(id|no)$/.test(key));
  return { master, ...Object.fromEntries(own) };
}

for (const kind of ["veth", "tap", "ifb", "vxlan"] as const) {
  test(`a ${kind} is home as the port that it was`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(
      ...BRIDGE,
      ...makeDevice(kind, "d0"),
      ...furnish("d0"),
      "link set d0 master br0",
      ...PORT.map((settings) => `link set d0 type bridge_slave ${settings}`),
    );
    const before = { port: await port(lab.host, "d0"), devices: await lab.host.devices() };
    expect(before.port).toMatchObject({ master: "br0", hairpin: true, isolated: true, cost: 7 });
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
    expect(await port(container.netns, "eth1")).toEqual({ master: undefined });

    await container.kill();
    await lab.daemon.empty();
    expect(await port(lab.host, "d0")).toEqual(before.port);
    expect(Object.keys(await lab.host.devices())).toEqual(Object.keys(before.devices));
    expect(lab.daemon.log()).not.toContain("not-as-wanted");
  });
}

// A bridge without STP makes a port that was set to blocking forward again at once (br_make_forwarding()).
for (const [number, name] of Object.entries({ 1: "listening", 2: "learning" })) {
  test(`a port is home in the state that somebody chose: ${name}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...BRIDGE, ...makeDevice("veth", "d0"), ...furnish("d0"), "link set d0 master br0");
    const bridge = (...words: string[]) => lab.host.run("bridge", ...words);
    const state = async () => / state (\w+)/.exec(await bridge("link", "show", "dev", "d0"))?.[1];
    await until("d0 forwards", async () => (await state()) === "forwarding");
    await bridge("link", "set", "dev", "d0", "state", number);
    expect(await state()).toBe(name);
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
    await container.kill();
    await lab.daemon.empty();
    expect(await state()).toBe(name);
    expect(lab.daemon.log()).not.toContain("not-as-wanted");
  });
}

test("a port is home in the multicast groups that somebody put it in", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    "link add br0 type bridge mcast_snooping 1",
    "link set br0 up",
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "link set d0-far up",
    "link set d0 master br0",
  );
  const bridge = (...words: string[]) => lab.host.run("bridge", ...words);
  const groups = async () => {
    const lines = (await bridge("-details", "mdb", "show")).split("\n");
    return lines.filter((line) => line.includes("port d0") && line.includes("permanent")).toSorted();
  };
  const add = (...words: string[]) => bridge("mdb", "add", "dev", "br0", "port", "d0", "grp", ...words);
  await add("239.1.1.1", "permanent");
  await add("239.1.1.2", "src", "192.0.2.1", "vid", "7", "permanent");
  await add("ff05::1234", "vid", "7", "permanent");
  await add("01:00:5e:01:02:03", "permanent");
  const before = await groups();
  expect(before).toHaveLength(4);

  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  expect(await groups()).toEqual([]);
  await container.kill();
  await lab.daemon.empty();
  expect(await groups()).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

test("a device that could not stay inside is the port that it was", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...BRIDGE,
    ...makeDevice("ifb", "d0"),
    "link set d0 master br0",
    `link set d0 type bridge_slave ${PORT[0]}`,
  );
  const before = await port(lab.host, "d0");
  await lab.start(mappingFor("c1", 'match = { name = "d0" }\nmac = "02:00:00:00:00:04"'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("failed");
  expect(await port(lab.host, "d0")).toEqual(before);
});

test("a bridge that is no more is told, and the device is home all the same", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...BRIDGE, ...makeDevice("veth", "d0"), ...furnish("d0"), "link set d0 master br0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await lab.host.ip("link delete br0");
  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict.outcome).toBe("returned");
  expect(verdict.warnings.map(({ code }) => code)).toContain("not-as-wanted");
  expect(verdict.warnings[0]?.message).toContain("master is none");
  expect(await lab.host.device("d0")).toMatchObject({ up: true, mtu: 1400 });
});

test("what was chosen of promisc, allmulticast, multicast and arp is home again, whatever it was inside", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    "link set d0 promisc on allmulticast on multicast off arp off",
    ...makeDevice("veth", "d1"),
    "link set d1 up",
  );
  const before = await lab.host.devices();
  await lab.start(mappingFor("c1", 'match = { name = "d0" }', 'match = { name = "d1" }'));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  await container.netns.ip(
    "link set d0 promisc off allmulticast off multicast on arp on",
    "link set d1 promisc on allmulticast on multicast off arp off",
  );
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
