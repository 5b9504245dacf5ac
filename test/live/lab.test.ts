import { expect } from "bun:test";
import { closeSync, existsSync, openSync } from "node:fs";
import { furnish, furnishedAddresses, KINDS, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { netnsOf } from "../helpers/proc.ts";
import { type Process, startProcess } from "../helpers/process.ts";

// The other live tests are worth as much as this: what the lab calls the same is the same, and what it leaves is nothing.

for (const kind of KINDS) {
  test(`the state of a furnished ${kind} changes by a move there and back, and by nothing else`, async () => {
    await using lab = await Lab.create();
    const container = await lab.container();
    await lab.host.ip(...makeDevice(kind, "d0"), ...furnish("d0"));
    const before = await lab.host.device("d0");
    expect(before.addresses).toEqual(furnishedAddresses("d0"));
    expect(before).toMatchObject({ up: true, mtu: 1400, txqueuelen: 77, alias: "what d0 is for" });
    expect(before.altnames).toEqual(["d0-second", "d0-with-a-long-name"]);
    expect(await lab.host.device("d0")).toEqual(before);

    await lab.host.ip(`link set d0 netns ${container.pid} name eth1 up`);
    expect(await lab.host.names()).not.toContain("d0");
    expect(await container.netns.device("eth1")).toMatchObject({ mtu: 1400, up: true, addresses: [] });
    await container.netns.ip(`link set eth1 netns ${lab.hostPid} name d0`);
    expect(await lab.host.device("d0")).not.toEqual(before);

    await lab.host.ip(...furnish("d0").filter((command) => !command.includes("altname")));
    expect(await lab.host.device("d0")).toEqual(before);
  });
}

test("addresses compare in the kernel's order", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("ifb", "d0"),
    "addr add 192.0.2.1/24 dev d0",
    "addr add 192.0.2.2/24 dev d0",
  );
  const before = await lab.host.device("d0");
  await lab.host.ip("addr flush dev d0", "addr add 192.0.2.2/24 dev d0", "addr add 192.0.2.1/24 dev d0");
  expect(await lab.host.device("d0")).not.toEqual(before);
});

test("an address that is doubted still is not the same as one that is proven", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up", "addr add 2001:db8::1/64 dev d0");
  expect((await lab.host.device("d0")).addresses).toEqual(["2001:db8::1/64 tentative"]);
});

test("containers are in namespaces of their own, shared where that is asked for", async () => {
  await using lab = await Lab.create();
  const first = await lab.container();
  const second = await lab.container();
  const sharing = await lab.container({ sharing: first });
  const rootless = await lab.container({ userNamespace: true });
  const all = [lab.hostPid, first.pid, second.pid, rootless.pid].map((pid) => netnsOf(pid));
  expect(new Set(all).size).toBe(4);
  expect(netnsOf(sharing.pid)).toBe(netnsOf(first.pid));
  expect(netnsOf(process.pid)).not.toBeOneOf(all);
  await lab.host.ip(...makeDevice("ifb", "d0"), `link set d0 netns ${rootless.pid}`);
  expect(await rootless.netns.names()).toEqual(["d0", "witness"]);
});

test("nothing is left when a test has failed", async () => {
  const left = { folder: "", pids: [0] };
  const failing = async () => {
    await using lab = await Lab.create();
    const container = await lab.container();
    left.folder = lab.folder;
    left.pids = [lab.hostPid, container.pid];
    throw new Error("the test's own failure");
  };
  await expect(failing()).rejects.toThrow("the test's own failure");
  expect(existsSync(left.folder)).toBe(false);
  expect(left.pids.map((pid) => netnsOf(pid))).toEqual([null, null]);
});

test("a process left on the host is told", async () => {
  const left: Process[] = [];
  const forgetful = async () => {
    await using lab = await Lab.create();
    await startProcess(["nsenter", `--net=${lab.host.path}`]).then((process) => left.push(process));
  };
  await expect(forgetful()).rejects.toThrow("processes left on the host");
  for (const process of left) await process.kill();
});

test("a dead container's namespace that somebody keeps is told", async () => {
  let held = -1;
  const forgetful = async () => {
    await using lab = await Lab.create();
    await lab.start("");
    const container = await lab.container();
    held = openSync(container.netns.path, "r");
  };
  await expect(forgetful()).rejects.toThrow("network namespaces to be let go of");
  closeSync(held);
});
