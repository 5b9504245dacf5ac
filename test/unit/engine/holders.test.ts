import { expect, test } from "bun:test";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, containerEvent, mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

// One namespace may have several holders (a pod's containers): home when the last has gone.

const mappings = [
  mappingFor("c*", { match: { name: "d0" }, name: "eth1" }),
  mappingFor("x", { match: { name: "d1" } }),
];

/** c1 and c2 in one namespace, with d0 attached for both. */
async function pod() {
  const machine = machineWith("veth", "ifb");
  const before = pictureOf(machine.world, machine.home);
  const daemon = await startDaemon(machine, { mappings });
  const first = startContainer(machine);
  const second = startContainer(machine, first);
  await daemon.engine.handle(attachEvent(machine, "c1", first));
  const joined = await daemon.engine.handle(attachEvent(machine, "c2", second));
  return { machine, before, daemon, first, second, joined };
}

const isInside = (machine: Machine) => !("d0" in pictureOf(machine.world, machine.home));

test("the second container has the devices of the first", async () => {
  const { daemon, joined } = await pod();
  using _ = daemon;
  expect(joined).toMatchObject({ outcome: "attached", devices: [{ host_name: "d0", name: "eth1" }] });
  expect(daemon.engine.attachments()).toHaveLength(1);
  expect([daemon.engine.isHolder("c1"), daemon.engine.isHolder("c2")]).toEqual([true, true]);
});

for (const order of [
  ["c1", "c2"],
  ["c2", "c1"],
] as const) {
  test(`home when ${order.join(" and then ")} has ended`, async () => {
    const { machine, before, daemon, first, second } = await pod();
    using _ = daemon;
    const containers = { c1: first, c2: second };
    kill(machine.world, containers[order[0]]);
    await daemon.settle();
    expect(isInside(machine)).toBe(true);
    kill(machine.world, containers[order[1]]);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(machine.world.namespaces).toHaveLength(1);
  });
}

test("`stopped` of one says who holds the devices on", async () => {
  const { machine, before, daemon } = await pod();
  using _ = daemon;
  const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(verdict.warnings).toMatchObject([{ code: "still-held" }]);
  expect(verdict.warnings[0]?.message).toContain("c2");
  expect(isInside(machine)).toBe(true);
  expect((await daemon.engine.handle(stoppedEvent(machine, "c2"))).outcome).toBe("returned");
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("`release` of one takes the devices from both", async () => {
  const { machine, before, daemon } = await pod();
  using _ = daemon;
  expect(await daemon.engine.handle(releaseEvent("c2"))).toMatchObject({ outcome: "returned", warnings: [] });
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(await daemon.engine.handle(stoppedEvent(machine, "c1"))).toMatchObject({ outcome: "unchanged" });
});

test("a container with another mapping in the same namespace keeps what is there for the first", async () => {
  const { machine, before, daemon, first, second } = await pod();
  using _ = daemon;
  const third = startContainer(machine, first);
  expect((await daemon.engine.handle(attachEvent(machine, "x", third))).outcome).toBe("attached");
  expect(Object.keys(pictureOf(machine.world, first.netns)).sort()).toEqual(["d1", "eth1"]);
  kill(machine.world, first);
  kill(machine.world, second);
  await daemon.settle();
  expect(Object.keys(pictureOf(machine.world, third.netns)).sort()).toEqual(["d1", "eth1"]);
  kill(machine.world, third);
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("a container that ended and came back into its pod is a holder again", async () => {
  const { machine, before, daemon, first, second } = await pod();
  using _ = daemon;
  kill(machine.world, first);
  await daemon.settle();
  const back = startContainer(machine, second);
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", back, "again"));
  expect(verdict.outcome).toBe("unchanged");
  kill(machine.world, second);
  await daemon.settle();
  expect(isInside(machine)).toBe(true);
  kill(machine.world, back);
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("one that is known by a path, was stopped, and is running again is a holder again", async () => {
  const { machine, before, daemon, first, second } = await pod();
  using _ = daemon;
  const target = { by: "netns", path: "/run/netns/pod" } as const;
  machine.world.files.set(target.path, second.netns);
  const running = (name: string) => containerEvent(machine, "c1", "running", target, name);
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect((await daemon.engine.handle(running("by-path"))).outcome).toBe("unchanged");
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect((await daemon.engine.handle(running("again"))).outcome).toBe("unchanged");
  kill(machine.world, first);
  kill(machine.world, second);
  await daemon.settle();
  expect(isInside(machine)).toBe(true);
  expect(await daemon.engine.handle(stoppedEvent(machine, "c1"))).toMatchObject({ outcome: "returned" });
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("a later daemon takes up all holders", async () => {
  const { machine, before, daemon, first, second } = await pod();
  daemon[Symbol.dispose]();
  using next = await startDaemon(machine, { mappings });
  kill(machine.world, first);
  await next.settle();
  expect(isInside(machine)).toBe(true);
  kill(machine.world, second);
  await next.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(next.openCount()).toBe(3);
});

test("a later daemon notes who has ended while none ran", async () => {
  const { machine, before, daemon, first, second } = await pod();
  daemon[Symbol.dispose]();
  kill(machine.world, first);
  using next = await startDaemon(machine, { mappings });
  expect(next.engine.attachments()[0]?.holders.map(({ id, ended }) => [id, ended])).toEqual([
    ["c1", true],
    ["c2", false],
  ]);
  kill(machine.world, second);
  await next.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("one that has ended and waits for the other's sake is home too, when the other's devices are released", async () => {
  const machine = machineWith("veth", "ifb");
  const before = pictureOf(machine.world, machine.home);
  const own = [mappingFor("c1", { match: { name: "d0" } }), mappingFor("c2", { match: { name: "d1" } })];
  using daemon = await startDaemon(machine, { mappings: own });
  const first = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", first));
  await daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine, first)));
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(isInside(machine)).toBe(true);
  await daemon.engine.handle(releaseEvent("c2"));
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
});
