import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

// "One namespace may have several holders (a pod's containers): home when the last has gone."

interface Pod {
  readonly lab: Lab;
  readonly first: Process;
  readonly second: Process;
}

/** A lab whose device is in one namespace for two containers, pod-a and pod-b. */
async function podOfTwo(): Promise<Pod> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(mappingFor("pod-*", 'match = { name = "d0" }\nname = "eth1"'));
  const first = await lab.container();
  const second = await lab.container({ sharing: first });
  expect((await lab.attach("pod-a", first)).outcome).toBe("attached");
  const joined = await lab.attach("pod-b", second);
  expect(joined.outcome).toBeOneOf(["attached", "unchanged"]);
  expect(joined.error).toBeNull();
  expect(await second.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });
  return { lab, first, second };
}

/** Gives the daemon time to do what it must not do: longer than any return takes. */
const long = () => Bun.sleep(150);

test("the device stays as long as one of two containers lives, whichever ends first", async () => {
  for (const order of ["first", "second"] as const) {
    const { lab, first, second } = await podOfTwo();
    await using _ = lab;
    const [early, late] = order === "first" ? [first, second] : [second, first];
    await early.kill();
    await long();
    expect(await late.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });
    expect(await lab.host.names()).not.toContain("d0");
    await late.kill();
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toMatchObject({
      up: true,
      mtu: 1400,
      altnames: ["d0-second", "d0-with-a-long-name"],
    });
  }
});

test("`stopped` of one of two lets the other keep the device", async () => {
  const { lab, second } = await podOfTwo();
  await using _ = lab;
  const verdict = await lab.event({ id: "pod-a", status: "stopped" });
  expect(verdict).toMatchObject({ id: "pod-a", devices: [], error: null });
  expect(await second.netns.names()).toContain("eth1");

  expect(await lab.event({ id: "pod-b", status: "stopped" })).toMatchObject({ outcome: "returned" });
  expect(await lab.host.names()).toContain("d0");
});

test("an id that has stopped may come again elsewhere while the other keeps the device", async () => {
  const { lab } = await podOfTwo();
  await using _ = lab;
  await lab.event({ id: "pod-a", status: "stopped" });
  const elsewhere = await lab.container();
  expect(await lab.attach("pod-a", elsewhere)).toMatchObject({
    outcome: "refused",
    error: { code: "device-held" },
  });
  expect(await lab.event({ id: "pod-b", status: "stopped" })).toMatchObject({ outcome: "returned" });
  expect(await lab.attach("pod-a", elsewhere)).toMatchObject({ outcome: "attached", error: null });
});

test("two containers of one namespace may have devices of their own", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...makeDevice("veth", "d1"));
  const before = await lab.host.devices();
  await lab.start(mappingFor("a", 'match = { name = "d0" }') + mappingFor("b", 'match = { name = "d1" }'));
  const first = await lab.container();
  const second = await lab.container({ sharing: first });
  expect((await lab.attach("a", first)).devices).toMatchObject([{ name: "d0" }]);
  expect((await lab.attach("b", second)).devices).toMatchObject([{ name: "d1" }]);
  await first.kill();
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("status tells both holders", async () => {
  const { lab, first, second } = await podOfTwo();
  await using _ = lab;
  const { containers } = await lab.daemon.status();
  expect(containers.map(({ id, pid }) => ({ id, pid })).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    { id: "pod-a", pid: first.pid },
    { id: "pod-b", pid: second.pid },
  ]);
});

test("the daemon knows both holders again after kill -9", async () => {
  const { lab, first, second } = await podOfTwo();
  await using _ = lab;
  await lab.daemon.end("SIGKILL");
  await lab.start();
  await first.kill();
  await long();
  expect(await second.netns.names()).toContain("eth1");
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.names()).toContain("d0");
});
