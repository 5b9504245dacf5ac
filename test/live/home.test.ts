import { expect } from "bun:test";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

interface Attached {
  readonly lab: Lab;
  readonly container: Process;
  readonly before: DeviceState;
}

/** A lab with d0 attached to c1 as eth1. */
async function attached(): Promise<Attached> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  return { lab, container, before };
}

test("home when the container's process is killed", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("home when the container's process exits", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await container.exit();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("home when the container's process ends, though another process keeps its namespace", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  const other = await lab.container({ sharing: container });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
  expect(await other.netns.names()).toEqual(["witness"]);
});

// crun tells its poststop hooks pid 0, runc none at all.
for (const [title, extra] of [
  ["no pid", {}],
  ["pid 0", { pid: 0 }],
] as const) {
  test(`home on \`stopped\` with ${title}, though the process lives still`, async () => {
    const { lab, container, before } = await attached();
    await using _ = lab;
    expect(await lab.event({ id: "c1", status: "stopped", ...extra })).toMatchObject({
      id: "c1",
      outcome: "returned",
      error: null,
    });
    expect(await lab.host.device("d0")).toEqual(before);
    expect(await container.netns.names()).toEqual(["witness"]);
    expect((await lab.daemon.status()).containers).toEqual([]);
  });
}

test("`stopped` with a pid is for the holder with that pid alone", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  const other = await lab.container();
  expect(await lab.event({ id: "c1", status: "stopped", pid: other.pid })).toMatchObject({
    outcome: "unchanged",
  });
  expect(await container.netns.names()).toContain("eth1");
  expect(await lab.event({ id: "c1", status: "stopped", pid: container.pid })).toMatchObject({
    outcome: "returned",
  });
  expect(await lab.host.device("d0")).toEqual(before);
});

test("`stopped` of an id that nothing is held for changes nothing", async () => {
  const { lab, container } = await attached();
  await using _ = lab;
  expect(await lab.event({ id: "c2", status: "stopped" })).toMatchObject({
    id: "c2",
    outcome: "unchanged",
    error: null,
  });
  expect(await container.netns.names()).toContain("eth1");
});

test("what a runtime drops after an exit that was seen already is `unchanged`", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.event({ id: "c1", status: "stopped" })).toMatchObject({ outcome: "unchanged" });
  expect(await lab.host.device("d0")).toEqual(before);
});

test("`stopped` at the moment of the exit is answered, and the device is home once", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  const death = container.kill();
  const verdict = await lab.event({ id: "c1", status: "stopped" });
  await death;
  expect(verdict.outcome).toBeOneOf(["returned", "unchanged"]);
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});

test("a container may come and go again and again: the device is the same each time", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await container.kill();
  for (let round = 0; round < 10; round++) {
    const next = await lab.container();
    expect((await lab.attach("c1", next)).outcome).toBe("attached");
    await next.kill();
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
  }
});

test("several devices of one container come home together, each as it was", async () => {
  await using lab = await Lab.create();
  const names = ["d0", "d1", "d2", "d3"];
  const [veth, tap, ifb, vxlan] = names;
  await lab.host.ip(
    ...makeDevice("veth", `${veth}`),
    ...makeDevice("tap", `${tap}`),
    ...makeDevice("ifb", `${ifb}`),
    ...makeDevice("vxlan", `${vxlan}`),
    ...names.flatMap(furnish),
  );
  const before = await lab.host.devices();
  await lab.start(mappingFor("c1", 'match = { name = "d?" }\ncount = "all"\nname = "net%d"'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).devices.map(({ host_name }) => host_name)).toEqual(names);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
