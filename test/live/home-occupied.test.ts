import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";

// "…the same device, under its own name (and ifindex, if still free). What cannot be put back is told." While the
// device was away, somebody took what was its own.

test("an ifindex that is taken costs nothing else", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  await lab.host.ip(`link add other index ${before.ifindex} type ifb`);
  await container.kill();
  await lab.daemon.empty();
  const after = await lab.host.device("d0");
  expect(after.ifindex).not.toBe(before.ifindex);
  expect(after).toEqual({ ...before, ifindex: after.ifindex });
});

test("its own ifindex is had again though it had another inside", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  await container.netns.ip(`link add other index ${before.ifindex} type ifb`);
  const verdict = await lab.attach("c1", container);
  expect(verdict.devices[0]?.ifindex).not.toBe(before.ifindex);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

for (const [what, taken, freed] of [
  ["name", ["link add d0 type ifb"], ["link del d0"]],
  ["name as an altname", ["link add x type ifb", "link property add dev x altname d0"], ["link del x"]],
] as const) {
  test(`its ${what} being taken, the device is not lost: it is told as stuck, and home once the name is free`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
    const before = await lab.host.device("d0");
    const daemon = await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect((await lab.attach("c1", container)).outcome).toBe("attached");

    await lab.host.ip(...taken);
    await container.kill();
    await until(
      "the container to be stuck",
      async () => (await daemon.status()).containers[0]?.state === "stuck",
      {
        within: 5_000,
        detail: daemon.log,
      },
    );
    const { containers, state } = await daemon.status();
    expect(state).toBe("degraded");
    expect(containers).toMatchObject([{ id: "c1", devices: [{ host_name: "d0" }] }]);
    expect(JSON.stringify(containers[0]?.error)).toContain("d0");
    const ready = await daemon.get("/readyz");
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain("d0");
    expect((await daemon.get("/healthz")).status).toBe(200);

    await lab.host.ip(...freed);
    await daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
    expect((await daemon.get("/readyz")).status).toBe(200);
  });
}

test("a device that its container destroyed is told as lost, and nothing else suffers", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  const daemon = await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.netns.ip("link del eth1");
  await container.kill();
  await until("the loss to be told", () => /d0/.test(daemon.log().split("\n").slice(-8).join("\n")));
  await lab.host.ip(...makeDevice("ifb", "d0"));
  const next = await lab.container();
  expect((await lab.attach("c1", next)).outcome).toBe("attached");
});

test("two whose names and numbers are taken come home as netdevd0 and netdevd1, all told, and each gets its own when that is free", async () => {
  await using lab = await Lab.create();
  const names = ["d0", "d1"];
  await lab.host.ip(...names.flatMap((name) => [...makeDevice("veth", name), ...furnish(name)]));
  const before = await lab.host.devices();
  const daemon = await lab.start(mappingFor("c1", 'match = { name = "d?" }\ncount = "all"\nname = "eth%d"'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const takers = names.map((name) => `link add ${name} index ${before[name]?.ifindex} type ifb`);
  await lab.host.ip(...takers);

  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict).toMatchObject({ outcome: "failed", error: { code: "stuck", device: "d0" } });
  const [{ error } = { error: null }] = (await daemon.status()).containers;
  const ready = await (await daemon.get("/readyz")).text();
  for (const told of [verdict.error?.message, JSON.stringify(error), ready, daemon.log()]) {
    expect(told).toContain("d0 is home as netdevd0");
  }
  expect(daemon.log()).toContain("d1 is home as netdevd1");
  const { netdevd0, netdevd1 } = await lab.host.devices();
  // Usable meanwhile, with all but name and number: labels go with the name.
  expect(netdevd0).toMatchObject({ up: true, mac: before.d0?.mac, mtu: 1400, alias: "what d0 is for" });
  expect(netdevd0?.addresses).toHaveLength(before.d0?.addresses.length ?? 0);
  expect(netdevd1).toMatchObject({ up: true, mac: before.d1?.mac, altnames: before.d1?.altnames });

  await lab.host.ip("link del d1");
  await until("d1 to have its name", async () => (await lab.host.devices()).d1?.mtu === 1400);
  expect((await lab.host.devices()).netdevd0).toEqual(netdevd0);
  expect((await daemon.status()).containers).toMatchObject([{ id: "c1", state: "stuck" }]);
  await lab.host.ip("link del d0");
  await daemon.empty();
  const after = await lab.host.devices();
  for (const name of names) {
    // A number that a device has at home it keeps.
    expect(after[name]).toEqual({ ...before[name], ifindex: after[name]?.ifindex } as never);
  }
  expect((await daemon.get("/readyz")).status).toBe(200);
});
