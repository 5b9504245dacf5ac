import { expect } from "bun:test";
import { furnished } from "../helpers/furnished.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

const ANY = mappingFor("*", 'match = { name = "d*", kind = "ifb" }\nname = "eth1"');

test("ten containers at once get a device each, and all come home when all are killed at once", async () => {
  await using lab = await Lab.create();
  const kinds = Array.from({ length: 10 }, () => "ifb" as const);
  const before = await furnished(lab.host, ...kinds);
  await lab.start(ANY);
  const containers = await Promise.all(kinds.map(() => lab.container()));
  const events = containers.map(({ pid }, at) => lab.drop({ id: `c${at}`, status: "creating", pid }));
  const verdicts = await Promise.all(events.map((event) => lab.verdict(event)));
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(kinds.map(() => "attached"));
  expect(new Set(verdicts.flatMap(({ devices }) => devices.map(({ host_name }) => host_name))).size).toBe(10);
  for (const { netns } of containers) expect(await netns.names()).toEqual(["eth1", "witness"]);

  await Promise.all(containers.map((container) => container.kill()));
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a container that dies while its device goes in is answered, and the device is home", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, "ifb");
  await lab.start(ANY);
  // Most deaths within the first milliseconds, while the event is read and the namespace is taken hold of.
  const delays = [...Array.from({ length: 40 }, (_, at) => at % 4), 5, 8, 12, 16, 20, 25, 30, 40];
  for (const [round, delay] of delays.entries()) {
    const container = await lab.container();
    const event = lab.drop({ id: `c${round}`, status: "creating", pid: container.pid });
    await Bun.sleep(delay);
    await container.kill();
    expect((await lab.verdict(event)).outcome).toBeOneOf(["attached", "refused", "failed"]);
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  }
});

test("`stopped` right behind the attach is taken after it", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, "ifb");
  await lab.start(ANY);
  const container = await lab.container();
  for (let round = 0; round < 5; round++) {
    const attach = lab.drop({ id: "c1", status: "creating", pid: container.pid });
    const stopped = lab.drop({ id: "c1", status: "stopped" });
    expect(await lab.verdict(attach)).toMatchObject({ outcome: "attached" });
    expect(await lab.verdict(stopped)).toMatchObject({ outcome: "returned" });
    expect(await lab.host.devices()).toEqual(before);
  }
});
