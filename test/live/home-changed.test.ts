import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";

// "However the container ended (…, the device renamed or given another MAC inside): the same device, under its own
// name, with altnames, alias, MAC, MTU, txqueuelen, addresses and up/down state as they were."

const changes: [what: string, commands: string[]][] = [
  ["renamed it", ["link set eth1 name wan"]],
  ["gave it another MAC", ["link set eth1 address 02:00:00:00:00:99"]],
  ["gave it another MTU", ["link set eth1 mtu 1290"]],
  ["gave it an MTU too small for IPv6", ["link set eth1 mtu 600"]],
  ["took an altname from it", ["link property del dev eth1 altname d0-second"]],
  ["gave it an altname", ["link property add dev eth1 altname of-the-container"]],
  ["gave its name at home as an altname", ["link property add dev eth1 altname d0"]],
  ["gave it another alias", ['link set eth1 alias "of the container"']],
  ["took its alias", ['link set eth1 alias ""']],
  ["gave it another queue length", ["link set eth1 txqueuelen 5"]],
  ["brought it down", ["link set eth1 down"]],
  ["took its addresses", ["addr flush dev eth1"]],
  ["gave it another address", ["addr add 192.0.2.99/24 dev eth1"]],
  [
    "changed all of it",
    [
      "link set eth1 down",
      "link set eth1 name d0",
      "link set d0 address 02:00:00:00:00:98 mtu 9000 txqueuelen 1",
      'link set d0 alias ""',
      "link property del dev d0 altname d0-second altname d0-with-a-long-name",
      "link property add dev d0 altname eth1",
    ],
  ],
];

for (const [what, commands] of changes) {
  test(`a device is at home as it was though its container ${what}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
    const before = await lab.host.devices();
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect((await lab.attach("c1", container)).outcome).toBe("attached");

    await container.netns.ip(...commands);
    await container.kill();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  });
}

test("two devices that swapped their names inside come home each under its own", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    ...makeDevice("veth", "d1"),
    ...furnish("d1"),
  );
  const before = await lab.host.devices();
  await lab.start(mappingFor("c1", 'match = { name = "d0" }', 'match = { name = "d1" }'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  await container.netns.ip("link set d0 name x", "link set d1 name d0", "link set x name d1");
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("two devices that swapped their MACs inside come home each with its own", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...makeDevice("veth", "d1"), "link set d0 mtu 1400");
  const before = await lab.host.devices();
  await lab.start(mappingFor("c1", 'match = { name = "d0" }', 'match = { name = "d1" }'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  await container.netns.ip(
    `link set d0 address ${before.d1?.mac}`,
    `link set d1 address ${before.d0?.mac}`,
    "link set d0 name x",
    "link set d1 name d0",
    "link set x name d1",
  );
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a device with the name and MAC of one that is away is not mistaken for it", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("tap", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  await container.netns.ip(
    "link set eth1 name hidden",
    "link set hidden address 02:00:00:00:00:97",
    "tuntap add mode tap name eth1",
    `link set eth1 address ${before.mac}`,
  );
  expect((await lab.event({ id: "c1", status: "stopped" })).outcome).toBe("returned");
  expect(await lab.host.device("d0")).toEqual(before);
  expect(await container.netns.names()).toEqual(["eth1", "witness"]);
});
