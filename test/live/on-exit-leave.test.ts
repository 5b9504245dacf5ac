import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingWith } from "../helpers/mapping.ts";

// on_exit = "leave": what the OCI spec bids a runtime to do.

async function labThatLeaves(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(mappingWith("c1", 'on_exit = "leave"', 'match = { name = "d0" }\nname = "eth1"'));
  return lab;
}

test("`stopped` leaves the device in a namespace that lives", async () => {
  await using lab = await labThatLeaves();
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const inside = await container.netns.device("eth1");
  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict).toMatchObject({ id: "c1", error: null });
  expect(await container.netns.device("eth1")).toEqual(inside);
  expect((await lab.daemon.status()).containers).toEqual([]);
});

test("the container's end lets the kernel do with the device what it does: a veth dies", async () => {
  await using lab = await labThatLeaves();
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.names()).not.toContain("d0");
});

test("release brings it home nevertheless", async () => {
  await using lab = await labThatLeaves();
  const before = await lab.host.devices();
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect(await lab.netdevd("release", "c1")).toMatchObject({ code: 0 });
  expect(await lab.host.devices()).toEqual(before);
});
