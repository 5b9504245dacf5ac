import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";
import type { Process } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

// "All devices of a container or none: when one step fails, the host is as it was."

/** d1 and d3 can go; what stands in the way of d2 is up to the test. */
const HOST = [
  ...makeDevice("veth", "d1"),
  ...furnish("d1"),
  ...makeDevice("macvlan", "d2"),
  "link set d2 up",
  "addr add 192.0.2.65/26 dev d2",
  ...makeDevice("veth", "d3"),
  "link set d3 up",
  "addr add 2001:db8:9::1/64 dev d3 nodad",
];

const d = (number: number, wish: string) => `match = { name = "d${number}" }\n${wish}`;

const obstacles: [title: string, second: string, prepare: (container: Process) => Promise<void>][] = [
  ["its name is taken inside", 'name = "eth2"', (container) => container.netns.ip("link add eth2 type ifb")],
  [
    "its name is the altname of another device inside",
    'name = "eth2"',
    (container) => container.netns.ip("link add other type ifb", "link property add dev other altname eth2"),
  ],
  // The kernel moves the device first and refuses the MTU then: macvlan_change_mtu() looks at the lower device.
  ["its MTU is more than its lower device has", 'name = "eth2"\nmtu = 9000', async () => {}],
];

for (const [title, second, prepare] of obstacles) {
  test(`none of three is taken when for the second one ${title}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...HOST);
    const container = await lab.container();
    await prepare(container);
    const host = await pictureOf(lab.host);
    const inside = await pictureOf(container.netns);
    await lab.start(mappingFor("c1", d(1, 'name = "eth1"'), d(2, second), d(3, 'name = "eth3"')));

    const verdict = await lab.attach("c1", container);
    expect(verdict.outcome).toBeOneOf(["refused", "failed"]);
    expect(verdict).toMatchObject({ id: "c1", mapping: "for-c1", devices: [], error: { device: "d2" } });
    expect(await pictureOf(lab.host)).toEqual(host);
    expect(await pictureOf(container.netns)).toEqual(inside);
    await lab.daemon.empty();
    expect((await lab.daemon.get("/readyz")).status).toBe(200);
  });
}

test("none is taken when the last of three cannot have the MAC that it is to have", async () => {
  await using lab = await Lab.create();
  // An ifb has no way to change its MAC: EOPNOTSUPP comes when it has moved already.
  await lab.host.ip(...HOST, ...makeDevice("ifb", "d4"), ...furnish("d4"));
  const container = await lab.container();
  const host = await pictureOf(lab.host);
  await lab.start(
    mappingFor("c1", d(1, 'name = "eth1"'), d(2, 'name = "eth2"'), d(4, 'mac = "02:00:00:00:00:04"')),
  );

  const verdict = await lab.attach("c1", container);
  expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { device: "d4" } });
  expect(await pictureOf(lab.host)).toEqual(host);
  expect(await container.netns.names()).toEqual(["witness"]);
});

test("none is taken when one of three is not there", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const container = await lab.container();
  const host = await pictureOf(lab.host);
  await lab.start(mappingFor("c1", d(1, ""), d(7, ""), d(3, "")));

  const verdict = await lab.attach("c1", container);
  expect(verdict).toMatchObject({ outcome: "refused", devices: [], error: { code: "device-missing" } });
  expect(verdict.error?.message).toContain("d7");
  expect(await pictureOf(lab.host)).toEqual(host);
});

test("an altname that is taken inside does not lose the device", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const container = await lab.container();
  await container.netns.ip("link add other type ifb", "link property add dev other altname d1-second");
  const host = await pictureOf(lab.host);
  await lab.start(mappingFor("c1", d(1, 'name = "eth1"')));

  const verdict = await lab.attach("c1", container);
  expect(verdict.outcome).toBeOneOf(["refused", "failed"]);
  expect(verdict.error?.message).toContain("d1-second");
  expect(await pictureOf(lab.host)).toEqual(host);
});

test("none is taken when a container that has IPv6 switched off is to get an IPv6 address, and the kernel's words are told", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const container = await lab.container();
  for (const which of ["all", "default"]) {
    await container.netns.run("sh", "-c", `echo 1 > /proc/sys/net/ipv6/conf/${which}/disable_ipv6`);
  }
  const host = await pictureOf(lab.host);
  await lab.start(mappingFor("c1", d(1, 'name = "eth1"'), d(2, 'name = "eth2"')));

  const verdict = await lab.attach("c1", container);
  expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { device: "d1" } });
  expect(verdict.error?.message).toContain("IPv6 is disabled on this device");
  expect(await pictureOf(lab.host)).toEqual(host);
  expect(await container.netns.names()).toEqual(["witness"]);

  // What to do is told, and done.
  const [mend = ""] = verdict.error?.message.match(/sysctls = \{.*?\}/) ?? [];
  lab.configure(mappingFor("c1", d(1, `name = "eth1"\n${mend}`), d(2, `name = "eth2"\n${mend}`)));
  lab.daemon.signal("SIGHUP");
  await until("the config to be read anew", () => lab.daemon.log().includes("config read anew"));
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  expect((await container.netns.device("eth1")).addresses.join()).toContain("2001:db8:");
});

test("after a failure the next container gets the same devices", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const host = await pictureOf(lab.host);
  await lab.start(mappingFor("*", d(1, 'name = "eth1"'), d(2, 'name = "eth2"'), d(3, 'name = "eth3"')));
  const unlucky = await lab.container();
  await unlucky.netns.ip("link add eth2 type ifb");
  expect((await lab.attach("c1", unlucky)).outcome).toBeOneOf(["refused", "failed"]);

  const container = await lab.container();
  expect((await lab.attach("c2", container)).devices.map(({ name }) => name)).toEqual([
    "eth1",
    "eth2",
    "eth3",
  ]);
  await container.kill();
  await lab.daemon.empty();
  expect(await pictureOf(lab.host)).toEqual(host);
});
