import { expect } from "bun:test";
import * as v from "valibot";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { containerSchema, statusSchema } from "../helpers/status.ts";

// "`netdevd status [ID] [--json]`: what the running daemon holds: 0; 1 no daemon or no such id."

async function attached(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up", "addr add 192.0.2.1/24 dev d0");
  await lab.start(D0_AS_ETH1);
  expect((await lab.attach("c1", await lab.container())).outcome).toBe("attached");
  return lab;
}

test("status tells a person container, mapping, device and the name inside", async () => {
  await using lab = await attached();
  for (const args of [["status"], ["status", "c1"]]) {
    const { code, stdout } = await lab.netdevd(...args);
    expect(code).toBe(0);
    for (const word of ["c1", "for-c1", "d0", "eth1", "attached"]) expect(stdout).toContain(word);
  }
});

test("status --json is what /v1/status tells", async () => {
  await using lab = await attached();
  const { code, stdout } = await lab.netdevd("status", "--json");
  expect(code).toBe(0);
  const told = v.parse(statusSchema, JSON.parse(stdout));
  expect(told).toEqual(await lab.daemon.status());
});

test("status tells of a device that is home without something of its, and of one that is no more", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...makeDevice("ifb", "d1"), "link add br0 type bridge");
  await lab.host.ip("link set d0 master br0");
  const daemon = await lab.start(`
    [[mapping]]
    name = "both"
    container = { id = "*" }
      [[mapping.device]]
      match = { name = "d0" }
      [[mapping.device]]
      match = { name = "d1" }
  `);
  expect((await daemon.status()).history).toEqual([]);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await lab.host.ip("link del br0");
  await container.netns.ip("link del d1");
  await container.kill();
  await daemon.empty();
  const { history, containers } = await daemon.status();
  expect(containers).toEqual([]);
  const common = { container: "c1", mapping: "both" };
  expect(history).toMatchObject([
    { ...common, device: "d0", outcome: "home" },
    { ...common, device: "d1", outcome: "gone", warnings: [{ code: "device-missing", device: "d1" }] },
  ]);
  expect(history[0]?.warnings[0]).toMatchObject({ code: "not-as-wanted", device: "d0" });
  expect(Math.abs(Date.parse(history[0]?.at ?? "") - Date.now())).toBeLessThan(10_000);
  const { code, stdout } = await lab.netdevd("status");
  expect(code).toBe(0);
  for (const { device, outcome, warnings } of history) {
    expect(stdout).toContain(`${device}  ${outcome}  for c1, mapping both`);
    expect(stdout).toContain(warnings[0]?.message ?? "");
  }
  expect(stdout).toContain(`    and ${(history[0]?.warnings.length ?? 0) - 3} more: --json has them`);
  expect(await (await daemon.get("/")).text()).toContain("d1 is no more");
});

test("status ID --json is that container", async () => {
  await using lab = await attached();
  const { code, stdout } = await lab.netdevd("status", "c1", "--json");
  expect(code).toBe(0);
  expect(v.parse(containerSchema, JSON.parse(stdout))).toMatchObject({ id: "c1", mapping: "for-c1" });
});

test("status of an id that nothing is held for exits 1 and names it", async () => {
  await using lab = await attached();
  const { code, stderr } = await lab.netdevd("status", "nobody");
  expect(code).toBe(1);
  expect(stderr).toContain("nobody");
});

test("status without a daemon exits 1 and says that there is none", async () => {
  await using lab = await Lab.create();
  lab.configure(D0_AS_ETH1);
  const { code, stdout, stderr } = await lab.netdevd("status");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/daemon|netdevd/);
});

test("status finds a daemon that listens on TCP alone", async () => {
  await using lab = await Lab.create();
  lab.configure(D0_AS_ETH1, [`unix:${lab.socket}`, "127.0.0.1:9469"]);
  await lab.start();
  lab.configure(D0_AS_ETH1, ["127.0.0.1:9469"]);
  expect(await lab.netdevd("status", "--json")).toMatchObject({ code: 0 });
});
