import { expect } from "bun:test";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

// "The daemon may be killed at any instant and started again: it adopts what it holds. SIGTERM stops: devices stay
// where they are, the journal knows them, the next start adopts them. A daemon that was down answers on its start
// what waited."

const ANY = mappingFor("c*", 'match = { name = "d?" }\nname = "eth1"');

interface Attached {
  readonly lab: Lab;
  readonly container: Process;
  readonly before: Record<string, DeviceState>;
}

/** A lab with d0 attached to c1 as eth1, and d1 free. */
async function attached(): Promise<Attached> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    ...makeDevice("tap", "d1"),
    ...furnish("d1"),
  );
  const before = await lab.host.devices();
  await lab.start(ANY);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).devices).toMatchObject([{ host_name: "d0", name: "eth1" }]);
  return { lab, container, before };
}

for (const [signal, code] of [
  ["SIGKILL", 137],
  ["SIGTERM", 0],
  ["SIGINT", 0],
] as const) {
  test(`after ${signal} the device is inside still, and the next start adopts it and brings it home`, async () => {
    const { lab, container, before } = await attached();
    await using _ = lab;
    const inside = await container.netns.device("eth1");
    const { containers } = await lab.daemon.status();
    expect(await lab.daemon.end(signal)).toBe(code);
    expect(await container.netns.device("eth1")).toEqual(inside);

    await lab.start();
    expect((await lab.daemon.status()).containers).toEqual(containers);
    expect(await container.netns.device("eth1")).toEqual(inside);
    expect((await lab.attach("c1", container)).outcome).toBe("unchanged");
    expect((await lab.event({ id: "c2", status: "creating", pid: container.pid })).outcome).toBeOneOf([
      "attached",
      "unchanged",
    ]);

    await container.kill();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  });
}

test("what the container changed while no daemon ran is put back when it ends", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await lab.daemon.end("SIGKILL");
  await container.netns.ip("link set eth1 name wan", "link set wan address 02:00:00:00:00:77 mtu 1300");
  await lab.start();
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a daemon may be killed again and again", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  for (let round = 0; round < 4; round++) {
    await lab.daemon.end("SIGKILL");
    await lab.start();
  }
  expect((await lab.daemon.status()).containers).toMatchObject([{ id: "c1", state: "attached" }]);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a device that is adopted is held: it is refused to another container", async () => {
  const { lab } = await attached();
  await using _ = lab;
  await lab.daemon.end("SIGKILL");
  await lab.start(mappingFor("c*", 'match = { name = "d0" }'));
  const verdict = await lab.attach("c9", await lab.container());
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-held", device: "d0" } });
});

test("a `stopped` that came while no daemon ran is answered on the start", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  await lab.daemon.end("SIGKILL");
  const event = lab.drop({ id: "c1", status: "stopped" });
  await lab.start();
  expect(await lab.verdict(event)).toMatchObject({ id: "c1", outcome: "returned" });
  expect(await lab.host.devices()).toEqual(before);
  expect(await container.netns.names()).toEqual(["witness"]);
});

test("an attach that came while no daemon ran is done on the start", async () => {
  const { lab } = await attached();
  await using _ = lab;
  await lab.daemon.end("SIGTERM");
  const next = await lab.container();
  const event = lab.drop({ id: "c2", status: "creating", pid: next.pid });
  await lab.start();
  expect(await lab.verdict(event)).toMatchObject({ outcome: "attached", devices: [{ host_name: "d1" }] });
});

test("a container that ended while no daemon ran, its namespace kept by another process: home on the start", async () => {
  const { lab, container, before } = await attached();
  await using _ = lab;
  const other = await lab.container({ sharing: container });
  await lab.daemon.end("SIGKILL");
  await container.kill();
  expect(await other.netns.names()).toContain("eth1");
  await lab.start();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("killed at any moment of an attach, the daemon ends or undoes it on its next start, and answers", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.devices();
  await lab.start(ANY);
  for (let delay = 0; delay < 40; delay += 5) {
    const container = await lab.container();
    const event = lab.drop({ id: `c${delay}`, status: "creating", pid: container.pid });
    await Bun.sleep(delay);
    await lab.daemon.end("SIGKILL");
    await lab.start();
    expect((await lab.verdict(event)).outcome).toBeOneOf(["attached", "failed"]);
    await container.kill();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  }
});

test("SIGTERM in the middle of a burst leaves no device between the worlds", async () => {
  const { lab, before } = await attached();
  await using _ = lab;
  const next = await lab.container();
  lab.drop({ id: "c2", status: "creating", pid: next.pid });
  await Bun.sleep(5);
  expect(await lab.daemon.end("SIGTERM")).toBe(0);
  await lab.start();
  await next.kill();
  await lab.event({ id: "c1", status: "stopped" });
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
