import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// "any of name, altname, mac, …, kind; all given must hold; count: N or "all": the first N in natural order of
// name that are free, not held, not guarded".

/** Four devices of two kinds whose natural order is not that of their letters. */
const HOST = [
  "link add eth10 type ifb",
  "link add eth9 type ifb",
  "link add eth2 type ifb",
  "tuntap add mode tap name port1",
  "link property add dev eth9 altname enp3s0f1 altname uplink-b",
  "link set port1 address 02:00:00:00:ab:0c",
];

async function labWith(...devices: string[]): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...HOST);
  await lab.start(mappingFor("*", ...devices));
  return lab;
}

const picks: [selector: string, host_names: string[]][] = [
  ['match = { name = "eth9" }', ["eth9"]],
  ['match = { name = "eth*" }', ["eth2"]],
  ['match = { name = "eth*" }\ncount = 2', ["eth2", "eth9"]],
  ['match = { name = "eth*" }\ncount = "all"', ["eth2", "eth9", "eth10"]],
  ['match = { name = "eth1?" }', ["eth10"]],
  ['match = { name = "[ep]*[19]" }\ncount = "all"', ["eth9", "port1"]],
  ['match = { altname = "enp3s0f1" }', ["eth9"]],
  ['match = { altname = "uplink-*" }', ["eth9"]],
  ['match = { mac = "02:00:00:00:ab:0c" }', ["port1"]],
  ['match = { mac = "02-00-00-00-AB-0C" }', ["port1"]],
  ['match = { kind = "ifb" }\ncount = "all"', ["eth2", "eth9", "eth10"]],
  ['match = { kind = "t*" }', ["port1"]],
  ['match = { driver = "ifb" }\ncount = "all"', ["eth2", "eth9", "eth10"]],
  ['match = { driver = "t?n", name = "*1" }', ["port1"]],
  ['match = { name = "*t*", kind = "tun" }\ncount = "all"', ["port1"]],
];

for (const [selector, hostNames] of picks) {
  test(`${selector.replaceAll("\n", ", ")} takes ${hostNames.join(", ")}`, async () => {
    await using lab = await labWith(selector);
    const before = await lab.host.devices();
    const container = await lab.container();
    const verdict = await lab.attach("c1", container);
    expect(verdict.outcome).toBe("attached");
    expect(verdict.devices.map((device) => device.host_name)).toEqual(hostNames);
    expect(await container.netns.names()).toEqual([...hostNames, "witness"].toSorted());
    await container.kill();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  });
}

const refusals: [selector: string, code: string][] = [
  ['match = { name = "Eth9" }', "device-missing"],
  ['match = { name = "eth" }', "device-missing"],
  ['match = { name = "eth9", kind = "veth" }', "device-missing"],
  ['match = { mac = "02:00:00:00:ab:0d" }', "device-missing"],
  ['match = { name = "port1", driver = "ifb" }', "device-missing"],
  // None of these is a device of any bus.
  ['match = { pci = "0000:00:01.0" }', "device-missing"],
  ['match = { pf = "*" }', "device-missing"],
  ['match = { name = "eth*" }\ncount = 4', "too-few-devices"],
];

for (const [selector, code] of refusals) {
  test(`${selector.replaceAll("\n", ", ")} is refused: ${code}`, async () => {
    await using lab = await labWith(selector);
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({
      outcome: "refused",
      mapping: "for-*",
      devices: [],
      error: { code },
    });
    expect(await container.netns.names()).toEqual(["witness"]);
  });
}

test("devices that others hold are not free: each container gets the next one, the last gets none", async () => {
  await using lab = await labWith('match = { name = "eth*" }\nname = "eth0"');
  const taken: string[] = [];
  for (const id of ["c1", "c2", "c3"]) {
    const verdict = await lab.attach(id, await lab.container());
    taken.push(...verdict.devices.map((device) => device.host_name));
  }
  expect(taken).toEqual(["eth2", "eth9", "eth10"]);
  expect((await lab.attach("c4", await lab.container())).outcome).toBe("refused");
});

test("two entries of one mapping never take the same device", async () => {
  await using lab = await labWith(
    'match = { name = "eth*" }\nname = "a"',
    'match = { name = "eth*" }\nname = "b"',
  );
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict).toMatchObject({
    outcome: "attached",
    devices: [
      { host_name: "eth2", name: "a" },
      { host_name: "eth9", name: "b" },
    ],
  });
});

test("several devices under one pattern are numbered in their order", async () => {
  await using lab = await labWith('match = { name = "eth*" }\ncount = "all"\nname = "net%d"');
  const container = await lab.container();
  await container.netns.ip("link add net1 type ifb");
  const verdict = await lab.attach("c1", container);
  expect(verdict.devices.map(({ host_name, name }) => [host_name, name])).toEqual([
    ["eth2", "net0"],
    ["eth9", "net2"],
    ["eth10", "net3"],
  ]);
});

for (const pattern of ["late-name", "late-*"]) {
  test(`altname = "${pattern}" knows an altname that a device got while it was down, and one that it lost`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("ifb", "d0"), ...makeDevice("ifb", "d1"));
    await lab.host.ip("link property add dev d1 altname late-name");
    await lab.start(mappingFor("*", `match = { altname = "${pattern}" }`));
    await lab.host.ip(
      "link property del dev d1 altname late-name",
      "link property add dev d0 altname late-name",
    );
    const verdict = await lab.attach("c1", await lab.container());
    expect(verdict.devices.map((device) => device.host_name)).toEqual(["d0"]);
  });
}
