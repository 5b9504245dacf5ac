import { expect } from "bun:test";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

// "`netdevd release ID`, `release --all`: brings devices home now; without a running daemon it takes the lock and
// does it itself."

interface Two {
  readonly lab: Lab;
  readonly first: Process;
  readonly second: Process;
  readonly before: Record<string, DeviceState>;
}

/** A lab where c1 holds d1 and c2 holds d2. */
async function twoAttached(): Promise<Two> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d1"),
    ...furnish("d1"),
    ...makeDevice("tap", "d2"),
    ...furnish("d2"),
  );
  const before = await lab.host.devices();
  await lab.start(mappingFor("c1", 'match = { name = "d1" }') + mappingFor("c2", 'match = { name = "d2" }'));
  const [first, second] = [await lab.container(), await lab.container()];
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  expect((await lab.attach("c2", second)).outcome).toBe("attached");
  return { lab, first, second, before };
}

test("release ID brings home what one container has, though it lives", async () => {
  const { lab, first, second, before } = await twoAttached();
  await using _ = lab;
  expect(await lab.netdevd("release", "c1")).toMatchObject({ code: 0 });
  expect((await lab.host.devices()).d1).toEqual(before.d1);
  expect(await first.netns.names()).toEqual(["witness"]);
  expect(await second.netns.names()).toEqual(["d2", "witness"]);
  expect((await lab.daemon.status()).containers).toMatchObject([{ id: "c2" }]);
});

test("release --all brings home all", async () => {
  const { lab, before } = await twoAttached();
  await using _ = lab;
  expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
  expect(await lab.host.devices()).toEqual(before);
  expect((await lab.daemon.status()).containers).toEqual([]);
});

test("a container that was released can have its device again", async () => {
  const { lab, first } = await twoAttached();
  await using _ = lab;
  expect(await lab.netdevd("release", "c1")).toMatchObject({ code: 0 });
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  expect(await first.netns.names()).toEqual(["d1", "witness"]);
});

test("release of an id that nothing is held for says so and exits 1", async () => {
  const { lab, first } = await twoAttached();
  await using _ = lab;
  const { code, stderr } = await lab.netdevd("release", "nobody");
  expect(code).toBe(1);
  expect(stderr).toContain("nobody");
  expect(await first.netns.names()).toEqual(["d1", "witness"]);
});

test("release --all with nothing held is no failure", async () => {
  await using lab = await Lab.create();
  await lab.start(mappingFor("c1", 'match = { name = "d1" }'));
  expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`without a daemon, ended by ${signal}, release ID and release --all do it themselves`, async () => {
    const { lab, first, second, before } = await twoAttached();
    await using _ = lab;
    await lab.daemon.end(signal);
    expect(await first.netns.names()).toEqual(["d1", "witness"]);
    expect(await lab.netdevd("release", "nobody")).toMatchObject({ code: 1 });

    expect(await lab.netdevd("release", "c1")).toMatchObject({ code: 0 });
    expect((await lab.host.devices()).d1).toEqual(before.d1);
    expect(await first.netns.names()).toEqual(["witness"]);
    expect(await second.netns.names()).toEqual(["d2", "witness"]);

    expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
    expect(await lab.host.devices()).toEqual(before);

    await lab.start();
    expect((await lab.daemon.status()).containers).toEqual([]);
  });
}

test("release brings a device home that other containers of the pod hold as well", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d1"), ...furnish("d1"));
  const before = await lab.host.devices();
  await lab.start(mappingFor("*", 'match = { name = "d1" }'));
  const first = await lab.container();
  const second = await lab.container({ sharing: first });
  await lab.attach("pod-a", first);
  await lab.attach("pod-b", second);
  expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
  expect(await lab.host.devices()).toEqual(before);
});
