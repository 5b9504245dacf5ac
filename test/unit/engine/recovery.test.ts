import { expect, test } from "bun:test";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, stoppedEvent } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

// "The daemon may be killed at any instant and started again: it adopts what it holds, ends or undoes what was half done."

const mappings: readonly Mapping[] = [
  mappingFor(
    "c1",
    { match: { name: "d0" }, name: "eth1", mtu: 1300 },
    { match: { name: "d1" }, name: "eth2", mac: "02:00:00:00:00:aa" },
    { match: { name: "d2" } },
  ),
];

type Container = ReturnType<typeof startContainer>;

/** A host with hardware, a veth and a macvlan, a container, and what both are at first. */
function scene() {
  const machine = machineWith("hardware", "veth", "macvlan");
  const container = startContainer(machine);
  return { machine, container, before: pictureOf(machine.world, machine.home) };
}

const attach = (machine: Machine, container: Container) => (daemon: Daemon) =>
  daemon.engine.handle(attachEvent(machine, "c1", container));

/** Runs a daemon that is killed when it is about to have its effect number `at`; null: it came to its end. */
async function killedAt(
  at: number,
  machine: Machine,
  work: (daemon: Daemon) => Promise<unknown>,
): Promise<boolean> {
  const fuse = createFuse(at);
  using daemon = await startDaemon(machine, { mappings, fuse });
  await Promise.race([work(daemon), fuse.burnt]);
  return fuse.isBurnt;
}

/** Plays `once` with a daemon that dies at each of its effects in turn; gives how many there are. */
async function atEachEffect(once: (at: number) => Promise<boolean>): Promise<number> {
  for (let at = 1; ; at++) if (!(await once(at))) return at - 1;
}

function expectNothingLeft(machine: Machine): void {
  expect(machine.world.namespaces).toHaveLength(1);
  expect(Array.from(machine.world.files.keys())).toEqual([]);
  expect(Array.from(machine.rows.keys())).toEqual([]);
}

test("killed anywhere in an attach: all devices are home or all inside, and the event can be taken again", async () => {
  const effects = await atEachEffect(async (at) => {
    const { machine, container, before } = scene();
    const { world, home } = machine;
    const died = await killedAt(at, machine, attach(machine, container));
    using daemon = await startDaemon(machine, { mappings });
    await daemon.settle();
    if (daemon.engine.attachments().length === 0) {
      expect(pictureOf(world, home)).toEqual(before);
      expect(pictureOf(world, container.netns)).toEqual({});
    }
    expect(await attach(machine, container)(daemon)).toMatchObject({ outcome: "attached", error: null });
    expect(Object.keys(pictureOf(world, container.netns)).sort()).toEqual(["d2", "eth1", "eth2"]);
    kill(world, container);
    await daemon.settle();
    expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
    expectNothingLeft(machine);
    return died;
  });
  expect(effects).toBeGreaterThan(10);
});

test("killed anywhere in an attach, and the container dies too: all devices are home", async () => {
  await atEachEffect(async (at) => {
    const { machine, container, before } = scene();
    const died = await killedAt(at, machine, attach(machine, container));
    kill(machine.world, container);
    using daemon = await startDaemon(machine, { mappings });
    await daemon.settle();
    expect({ at, home: pictureOf(machine.world, machine.home) }).toEqual({ at, home: before });
    expectNothingLeft(machine);
    return died;
  });
});

for (const [how, end] of [
  ["`stopped`", (machine: Machine) => (daemon: Daemon) => daemon.engine.handle(stoppedEvent(machine, "c1"))],
  [
    "the container's end",
    (machine: Machine, container: Container) => (daemon: Daemon) => {
      kill(machine.world, container);
      return daemon.settle();
    },
  ],
] as const) {
  test(`killed anywhere in a return by ${how}: all devices are home after the next start`, async () => {
    await atEachEffect(async (at) => {
      const { machine, container, before } = scene();
      const { world, home } = machine;
      await killedAt(Number.POSITIVE_INFINITY, machine, attach(machine, container));
      const wanted = pictureOf(world, container.netns);
      const died = await killedAt(at, machine, end(machine, container));
      using daemon = await startDaemon(machine, { mappings });
      await daemon.settle();
      if (daemon.engine.attachments().length > 0) {
        expect(pictureOf(world, container.netns)).toEqual(wanted);
        await end(machine, container)(daemon);
      }
      expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
      kill(world, container);
      await daemon.settle();
      expectNothingLeft(machine);
      return died;
    });
  });
}

test("killed anywhere in an attach, and anywhere in what the next start makes of it", async () => {
  await atEachEffect(async (first) => {
    let diedFirst = false;
    await atEachEffect(async (second) => {
      const { machine, container, before } = scene();
      diedFirst = await killedAt(first, machine, attach(machine, container));
      if (second % 2 === 0) kill(machine.world, container);
      const died = await killedAt(second, machine, (daemon) => daemon.settle());
      using daemon = await startDaemon(machine, { mappings });
      await daemon.settle();
      const at = { first, second };
      kill(machine.world, container);
      await daemon.settle();
      expect({ at, home: pictureOf(machine.world, machine.home) }).toEqual({ at, home: before });
      expectNothingLeft(machine);
      return died;
    });
    return diedFirst;
  });
});
