import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

// "`netdevd hook [--timeout 30s]`: container state JSON on stdin, dropped into the spool, waits for the verdict: 0
// devices are ready (or no mapping matches), 1 refused or failed, with one clear line on stderr."

async function started(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up", "addr add 192.0.2.1/24 dev d0");
  await lab.start(D0_AS_ETH1);
  return lab;
}

/** What runc gives a createRuntime hook. */
const creating = (id: string, { pid }: Process) =>
  JSON.stringify({ ociVersion: "1.0.2-dev", id, status: "creating", pid, bundle: "/b" });

const waiting = (lab: Lab) => readdirSync(lab.spoolFolder).filter((name) => name.includes(".json"));

test("when it exits 0 the devices are ready", async () => {
  await using lab = await started();
  const container = await lab.container();
  expect(await lab.netdevdReading(creating("c1", container), "hook")).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  expect(await container.netns.names()).toContain("eth1");
});

test("poststop, which runc tells without a pid and crun with pid 0, exits 0 with the devices home", async () => {
  for (const pid of [{}, { pid: 0 }]) {
    await using lab = await started();
    const container = await lab.container();
    await lab.netdevdReading(creating("c1", container), "hook");
    const stopped = JSON.stringify({
      ociVersion: "1.0.2-dev",
      id: "c1",
      status: "stopped",
      ...pid,
      bundle: "/b",
    });
    expect((await lab.netdevdReading(stopped, "hook")).code).toBe(0);
    expect(await lab.host.names()).toContain("d0");
  }
});

test("a container that no mapping is for exits 0", async () => {
  await using lab = await started();
  const container = await lab.container();
  expect(await lab.netdevdReading(creating("another", container), "hook")).toMatchObject({
    code: 0,
    stderr: "",
  });
});

test("a refused container exits 1, with one line that names container, device, why and the code", async () => {
  await using lab = await started();
  const [first, second] = [await lab.container(), await lab.container()];
  lab.configure(`${D0_AS_ETH1}\n${D0_AS_ETH1.replaceAll("c1", "c2")}`);
  lab.daemon.signal("SIGHUP");
  await lab.netdevdReading(creating("c1", first), "hook");
  const { code, stderr } = await lab.netdevdReading(creating("c2", second), "hook");
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  for (const word of ["c2", "d0", "held by container c1", "device-held"]) expect(stderr).toContain(word);
});

test("what is no container state exits 1 and says what is wrong", async () => {
  await using lab = await started();
  const { code, stderr } = await lab.netdevdReading('{"id":"c1"}', "hook");
  expect(code).toBe(1);
  expect(stderr).toContain("status");
});

test("an event that no daemon takes in time is withdrawn: no later daemon acts on a container that was given up", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  lab.configure(D0_AS_ETH1);
  const container = await lab.container();
  const { code, stderr } = await lab.netdevdReading(creating("c1", container), "hook", "--timeout", "200ms");
  expect(code).toBe(1);
  expect(stderr).toContain("no daemon");
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(waiting(lab)).toEqual([]);
});

test("a daemon that starts while the hook waits answers it", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  lab.configure(D0_AS_ETH1);
  const container = await lab.container();
  const waited = lab.netdevdReading(creating("c1", container), "hook");
  await Bun.sleep(300);
  await lab.start();
  expect((await waited).code).toBe(0);
  expect(await container.netns.names()).toContain("eth1");
});
