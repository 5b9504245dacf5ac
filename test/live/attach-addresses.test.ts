import { expect } from "bun:test";
import { makeDevice, provenAddress } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";

const withAddresses = (rest: string) => mappingFor("c1", `match = { name = "d0" }\n${rest}`);

test("the addresses that the mapping gives are there in place of the device's own, which come home", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 brd + dev d0",
    ...provenAddress("2001:db8:1::1/64", "d0"),
  );
  const before = await lab.host.device("d0");
  await lab.start(withAddresses('addresses = ["198.51.100.7/25", "2001:db8:7::1/48"]\ndad = "wait"'));
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const { addresses } = await container.netns.device("d0");
  expect(addresses.map((line) => line.split(" ")[0])).toEqual(["198.51.100.7/25", "2001:db8:7::1/48"]);
  expect(addresses.join()).not.toContain("tentative");

  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("an empty list of addresses means none", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up", "addr add 192.0.2.1/24 dev d0");
  const before = await lab.host.device("d0");
  await lab.start(withAddresses("addresses = []"));
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect(await container.netns.device("d0")).toMatchObject({ up: true, addresses: [] });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

// "When the verdict is there, no carried address is tentative", whatever it was on the host at the event.
for (const dad of ["keep", "wait", "skip"]) {
  test(`an address that is in doubt still on the host is not so inside when the verdict is there: dad = ${dad}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up");
    await lab.start(withAddresses(`dad = "${dad}"`));
    const container = await lab.container();
    await lab.host.ip("addr add 2001:db8:1::1/64 dev d0");
    expect((await lab.host.device("d0")).addresses).toEqual(["2001:db8:1::1/64 tentative"]);

    expect((await lab.attach("c1", container)).outcome).toBe("attached");
    const [address] = (await container.netns.device("d0")).addresses;
    expect(address).toStartWith("2001:db8:1::1/64");
    expect(address).not.toContain("tentative");
    expect(address).not.toContain("dadfailed");
  });
}

test("an address that is proven on the host is not doubted again: no two seconds of detection", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    ...provenAddress("2001:db8:1::1/64", "d0"),
  );
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();

  const start = performance.now();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect((await container.netns.device("eth1")).addresses).toEqual(["2001:db8:1::1/64"]);
  // RFC 4862's detection alone takes 1 to 2 seconds.
  expect(performance.now() - start).toBeLessThan(900);
});

test("a deprecated address is deprecated inside too", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 2001:db8:1::1/64 dev d0 nodad preferred_lft 0",
  );
  const before = await lab.host.device("d0");
  expect(before.addresses).toEqual(["2001:db8:1::1/64 deprecated nodad"]);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect((await container.netns.device("eth1")).addresses).toEqual(before.addresses);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("addresses that are not for the container come home nevertheless: of limited life, of narrower scope", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 dev d0",
    "addr add 169.254.7.7/16 dev d0 scope link",
    "addr add 198.51.100.1/24 dev d0 valid_lft 3600 preferred_lft 1800",
    "addr add 2001:db8:1::1/64 dev d0 nodad valid_lft 3600 preferred_lft 1800",
  );
  const before = await lab.host.device("d0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect((await container.netns.device("eth1")).addresses).toContain("192.0.2.1/24");
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("a device that was down on the host is up inside, with its addresses, and comes home down", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "addr add 192.0.2.1/24 dev d0 label d0:x");
  const before = await lab.host.device("d0");
  expect(before.up).toBe(false);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect(await container.netns.device("eth1")).toMatchObject({
    up: true,
    addresses: ["192.0.2.1/24 label eth1:x"],
  });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("hundreds of addresses go in and come home in their order", async () => {
  await using lab = await Lab.create();
  const hosts = Array.from({ length: 150 }, (_, at) => at + 1);
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    ...hosts.map((host) => `addr add 192.0.2.${host}/24 dev d0`),
    ...hosts.map((host) => `addr add 2001:db8::${host.toString(16)}/64 dev d0 nodad`),
  );
  const before = await lab.host.device("d0");
  expect(before.addresses).toHaveLength(300);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();

  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect((await container.netns.device("eth1")).addresses).toEqual(before.addresses);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("inside, the address is of use at once: a ping across the veth is answered", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 dev d0",
    ...provenAddress("2001:db8:1::1/64", "d0"),
    ...provenAddress("2001:db8:1::2/64", "d0-far"),
  );
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  // A server inside, bound to the very address: a tentative one would be refused with EADDRNOTAVAIL.
  const serve =
    'Bun.serve({ hostname: "2001:db8:1::1", port: 80, fetch: () => new Response("from inside") })';
  const server = Bun.spawn(
    [
      "setpriv",
      "--pdeathsig",
      "KILL",
      "nsenter",
      `--net=${container.netns.path}`,
      process.execPath,
      "-e",
      serve,
    ],
    { cwd: "/" },
  );
  const ask = 'console.log(await (await fetch("http://[2001:db8:1::1]/")).text())';
  const answer = await lab.host.run(
    process.execPath,
    "-e",
    `for (let i = 0; i < 200; i++) try { ${ask}; break } catch { await Bun.sleep(10) }`,
  );
  server.kill("SIGKILL");
  await server.exited;
  expect(answer.trim()).toBe("from inside");
});
