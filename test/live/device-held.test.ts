import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

const ANY = mappingFor("*", 'match = { name = "d0" }\nname = "eth1"');

test("a device that a living container holds is refused to another: device-held, and it says by whom", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(ANY);
  const [first, second] = [await lab.container(), await lab.container()];
  expect((await lab.attach("first", first)).outcome).toBe("attached");

  const verdict = await lab.attach("second", second);
  expect(verdict).toMatchObject({
    id: "second",
    outcome: "refused",
    devices: [],
    error: { code: "device-held", device: "d0", message: expect.stringContaining("first") },
  });
  expect(await first.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });
  expect(await second.netns.names()).toEqual(["witness"]);
});

test("an attach that wants a device which is on its way home waits for it", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(ANY);
  for (let round = 0; round < 5; round++) {
    const [first, second] = [await lab.container(), await lab.container()];
    expect((await lab.attach(`first-${round}`, first)).outcome).toBe("attached");
    await first.kill();
    expect(await lab.attach(`second-${round}`, second)).toMatchObject({ outcome: "attached", error: null });
    expect(await second.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });
    await second.kill();
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
  }
});

test("a device that its container gave back is free at once: stopped and the next attach, dropped together", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(ANY);
  const [first, second] = [await lab.container(), await lab.container()];
  expect((await lab.attach("first", first)).outcome).toBe("attached");

  const stopped = lab.drop({ id: "first", status: "stopped" });
  const next = lab.drop({ id: "second", status: "creating", pid: second.pid });
  expect(await lab.verdict(stopped)).toMatchObject({ id: "first", outcome: "returned" });
  expect(await lab.verdict(next)).toMatchObject({ id: "second", outcome: "attached" });
});
