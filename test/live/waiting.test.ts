import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingWith } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";

// "wait: how long the gate waits for a device that is not there yet."

const LATE = mappingWith("c*", 'wait = "30s"', 'match = { name = "d0" }\nname = "eth1"');
const OTHER = mappingWith("x*", "", 'match = { name = "x0" }');

async function labWith(mappings: string): Promise<Lab> {
  const lab = await Lab.create();
  await lab.start(mappings);
  return lab;
}

/** Drops an attach event, and waits until its container is told as pending. */
async function dropPending(lab: Lab, id: string, pid: number): Promise<string> {
  const name = lab.drop({ id, status: "creating", pid });
  await untilPending(lab, id);
  expect(lab.verdictNow(name)).toBeNull();
  return name;
}

async function untilPending(lab: Lab, id: string) {
  return await until(`${id} to be pending`, async () =>
    (await lab.daemon.status()).containers.find((one) => one.id === id && one.state === "pending"),
  );
}

test("a container gets a device that comes later, is told as pending meanwhile, and holds up nobody", async () => {
  await using lab = await labWith(LATE + OTHER);
  await lab.host.ip(...makeDevice("veth", "x0"));
  const container = await lab.container();
  const name = await dropPending(lab, "c1", container.pid);
  expect((await lab.daemon.status()).containers).toMatchObject([
    {
      id: "c1",
      pid: container.pid,
      netns: null,
      mapping: "for-c*",
      state: "pending",
      devices: [],
      error: null,
    },
  ]);
  expect((await lab.netdevd("status", "c1")).stdout).toContain("device-missing");
  expect((await lab.attach("x1", await lab.container())).outcome).toBe("attached");
  expect((await lab.event({ id: "x1", status: "stopped" })).outcome).toBe("returned");

  await lab.host.ip(...makeDevice("veth", "d0"));
  expect(await lab.verdict(name)).toMatchObject({ outcome: "attached", devices: [{ name: "eth1" }] });
  expect(await container.netns.device("eth1")).toMatchObject({ up: true });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.names()).toContain("d0");
});

test("a device that was called something else, and one that another container gives back, have come", async () => {
  await using lab = await labWith(LATE);
  await lab.host.ip("link add tmp type ifb");
  const first = await lab.container();
  const name = await dropPending(lab, "c1", first.pid);
  const second = await lab.container();
  const next = await dropPending(lab, "c2", second.pid);
  await lab.host.ip("link set tmp name d0");
  expect(await lab.verdict(name)).toMatchObject({ outcome: "attached" });
  expect(await untilPending(lab, "c2")).toMatchObject({ devices: [] });
  await first.kill();
  expect(await lab.verdict(next)).toMatchObject({ outcome: "attached" });
  expect(await second.netns.names()).toContain("eth1");
});

test("when time is up it is refused with its reasons", async () => {
  await using lab = await labWith(mappingWith("c*", 'wait = "300ms"', 'match = { name = "d0" }'));
  const begun = performance.now();
  const verdict = await lab.attach("c1", await lab.container());
  expect(performance.now() - begun).toBeGreaterThan(250);
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-missing" } });
  expect((await lab.daemon.status()).containers).toEqual([]);
});

for (const [what, end] of [
  ["SIGKILL of the container", (_, container) => container.kill()],
  ["`stopped`", (lab) => lab.event({ id: "c1", status: "stopped" })],
  ["a release", (lab) => lab.netdevd("release", "c1")],
] as [string, (lab: Lab, container: { kill(): Promise<void> }) => Promise<unknown>][]) {
  test(`${what} ends the waiting at once`, async () => {
    await using lab = await labWith(LATE);
    const container = await lab.container();
    const name = await dropPending(lab, "c1", container.pid);
    await end(lab, container);
    const verdict = await lab.verdict(name);
    expect(verdict.outcome).toBe("refused");
    expect(verdict.error?.message).toContain("while it waited");
    expect((await lab.daemon.status()).containers).toEqual([]);
  });
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`what waits when the daemon gets ${signal} is answered by the next one`, async () => {
    await using lab = await labWith(LATE);
    const container = await lab.container();
    const name = await dropPending(lab, "c1", container.pid);
    await lab.daemon.end(signal);
    expect(lab.verdictNow(name)).toBeNull();
    expect(readdirSync(join(lab.spoolFolder, "claimed"))).toEqual([name]);
    await lab.start();
    await untilPending(lab, "c1");
    await lab.host.ip(...makeDevice("tap", "d0"));
    expect(await lab.verdict(name)).toMatchObject({ event: name, outcome: "attached" });
    expect(await container.netns.names()).toContain("eth1");
  });
}

test("a device that comes while no daemon runs is there for the next one", async () => {
  await using lab = await labWith(LATE);
  const container = await lab.container();
  const name = await dropPending(lab, "c1", container.pid);
  await lab.daemon.end("SIGKILL");
  await lab.host.ip(...makeDevice("tap", "d0"));
  await lab.start();
  expect(await lab.verdict(name)).toMatchObject({ outcome: "attached" });
});

test("a daemon with many that wait stops as promptly as one with none, and answers all after its start", async () => {
  await using lab = await labWith(LATE);
  const container = await lab.container();
  const names = Array.from({ length: 30 }, (_, at) =>
    lab.drop({ id: `c${at}`, status: "running", pid: container.pid }),
  );
  await until("all to wait", async () => (await lab.daemon.status()).containers.length === names.length);
  const begun = performance.now();
  await lab.daemon.end("SIGTERM");
  expect(performance.now() - begun).toBeLessThan(4000);
  await lab.start();
  await lab.host.ip(...makeDevice("tap", "d0"));
  // They share a namespace, and so the device.
  for (const name of names) expect((await lab.verdict(name)).outcome).toBe("attached");
});
