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
  expect(told.containers).toEqual((await lab.daemon.status()).containers);
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
