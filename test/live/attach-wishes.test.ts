import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// "… or as the mapping says": what a [[mapping.device]] wishes is so inside, and undone at home.

async function labWith(wishes: string): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  lab.configure(mappingFor("c1", `match = { name = "d0" }\n${wishes}`));
  return lab;
}

const wishes: [wish: string, name: string, inside: Record<string, unknown>][] = [
  ["", "d0", { up: true, mtu: 1400, txqueuelen: 77, alias: "what d0 is for" }],
  ['name = "container_eth0"', "container_eth0", { up: true, mtu: 1400 }],
  ['name = "fifteen-letters"', "fifteen-letters", { up: true }],
  ["mtu = 9000", "d0", { up: true, mtu: 9000 }],
  ['mac = "02-00-00-00-AB-01"', "d0", { up: true, mac: "02:00:00:00:ab:01" }],
  ["up = false", "d0", { up: false, mtu: 1400 }],
  ['name = "eth7"\nmtu = 1280\nmac = "02:00:00:00:00:01"', "eth7", { mtu: 1280, mac: "02:00:00:00:00:01" }],
];

for (const [wish, name, wanted] of wishes) {
  test(`inside as wished, at home as before: ${wish === "" ? "nothing wished" : wish.replaceAll("\n", ", ")}`, async () => {
    await using lab = await labWith(wish);
    const before = await lab.host.device("d0");
    await lab.start();
    const container = await lab.container();

    expect(await lab.attach("c1", container)).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: "d0", name }],
    });
    expect(await container.netns.device(name)).toMatchObject({ altnames: before.altnames, ...wanted });
    await container.kill();
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
  });
}

test("net%d is the first free number, though the host's name is taken inside too", async () => {
  await using lab = await labWith('name = "net%d"');
  const container = await lab.container();
  await container.netns.ip(...["net0", "net2", "d0"].map((name) => `link add ${name} type ifb`));
  await lab.start();
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: "d0", name: "net1" }],
  });
  expect(await container.netns.names()).toEqual(["d0", "net0", "net1", "net2", "witness"]);
});

test("a name that is another device's altname inside counts as taken", async () => {
  await using lab = await labWith('name = "net%d"');
  const container = await lab.container();
  await container.netns.ip("link add other type ifb", "link property add dev other altname net0");
  await lab.start();
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "attached",
    devices: [{ name: "net1" }],
  });
});

test("the host's name for the device may be taken inside by another where it is to be called otherwise", async () => {
  await using lab = await labWith('name = "eth1"');
  const before = await lab.host.device("d0");
  const container = await lab.container();
  await container.netns.ip("link add d0 type ifb");
  await lab.start();
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "attached",
    devices: [{ name: "eth1" }],
  });
  expect(await container.netns.device("eth1")).toMatchObject({ mac: before.mac, mtu: 1400 });

  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("two devices may have each other's names inside", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...["d1", "d2"].flatMap((name) => [...makeDevice("veth", name), ...furnish(name)]));
  const before = await lab.host.devices();
  await lab.start(
    mappingFor("c1", 'match = { name = "d1" }\nname = "d2"', 'match = { name = "d2" }\nname = "d1"'),
  );
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const { d1, d2 } = await container.netns.devices();
  expect([d1?.mac, d2?.mac]).toEqual([before.d2?.mac, before.d1?.mac]);

  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("the two spellings of the OCI documents work as they stand", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    ...makeDevice("tap", "ens5"),
    "link set ens5 up",
  );
  const before = await lab.host.devices();
  await lab.start(`
    [[mapping]]
    name = "as-first-proposed"
    container = { id = "a*" }
      [[mapping.netDevices]]
      name = "d0"
      properties = { name = "ns1", address = "192.168.0.1", mask = "255.255.255.0", mtu = 1500 }
    [[mapping]]
    name = "as-in-the-spec"
    container = { id = "b*" }
      [mapping.netDevices.ens5]
      name = "container_eth0"
  `);
  const first = await lab.container();
  const second = await lab.container();
  expect(await lab.attach("a1", first)).toMatchObject({ outcome: "attached", mapping: "as-first-proposed" });
  const { up, mtu, addresses } = await first.netns.device("ns1");
  expect({ up, mtu, address: addresses.map((line) => line.split(" ")[0]) }).toEqual({
    up: true,
    mtu: 1500,
    address: ["192.168.0.1/24"],
  });
  expect(await lab.attach("b1", second)).toMatchObject({ outcome: "attached", mapping: "as-in-the-spec" });
  expect(await second.netns.device("container_eth0")).toMatchObject({ up: true });

  await first.kill();
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
