import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { openJournal } from "../../../src/engine/journal.ts";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, refuseChange, refusingSystem } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import { change, deviceIn, machineWith, startContainer } from "./host.ts";

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

test("killed anywhere in an attach that fails, or in what undoes it", async () => {
  for (const refused of [1, 4, 9, 14]) {
    await atEachEffect(async (at) => {
      const { machine, container, before } = scene();
      const fuse = createFuse(at);
      let died = false;
      {
        using daemon = await startDaemon(machine, {
          mappings,
          fuse,
          system: (own) => refusingSystem(own, refuseChange(refused, "EINVAL")),
        });
        await Promise.race([attach(machine, container)(daemon), fuse.burnt]);
        died = fuse.isBurnt;
      }
      using next = await startDaemon(machine, { mappings });
      await next.settle();
      expect({ at, home: pictureOf(machine.world, machine.home) }).toEqual({ at, home: before });
      expect(pictureOf(machine.world, container.netns)).toEqual({});
      expect(next.engine.attachments()).toEqual([]);
      return died;
    });
  }
});

test("killed anywhere in an attach, with the journal on a disk", async () => {
  const owner = { bootId: "boot", homeCookie: "3" };
  await atEachEffect(async (at) => {
    const folder = mkdtempSync(join(tmpdir(), "netdevd-recovery-"));
    try {
      const { machine, container, before } = scene();
      const fuse = createFuse(at);
      const first = openJournal(folder, owner);
      let died = false;
      {
        using daemon = await startDaemon(machine, { mappings, fuse, journal: () => first.journal });
        await Promise.race([attach(machine, container)(daemon), fuse.burnt]);
        died = fuse.isBurnt;
      }
      const second = openJournal(folder, owner);
      expect(second.setAside).toBeNull();
      kill(machine.world, container);
      using next = await startDaemon(machine, { mappings, journal: () => second.journal });
      await next.settle();
      expect({ at, home: pictureOf(machine.world, machine.home) }).toEqual({ at, home: before });
      first.journal[Symbol.dispose]();
      second.journal[Symbol.dispose]();
      expect(openJournal(folder, owner).journal.attachments).toEqual([]);
      return died;
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the next daemon", () => {
  test("adopts what a living container has, and brings it home at its end", async () => {
    const { machine, container, before } = scene();
    const { world, home } = machine;
    await killedAt(Number.POSITIVE_INFINITY, machine, attach(machine, container));
    const inside = pictureOf(world, container.netns);
    using next = await startDaemon(machine, { mappings });
    expect(next.engine.attachments()).toMatchObject([
      { state: "attached", holders: [{ id: "c1", ended: false }] },
    ]);
    expect(pictureOf(world, container.netns)).toEqual(inside);
    expect(next.log).toEqual(["info: adopted: the container lives, and its devices stay inside"]);
    kill(world, container);
    await next.settle();
    expect(pictureOf(world, home)).toEqual(before);
    expectNothingLeft(machine);
  });

  test("leaves alone what the container has changed of what it adopts", async () => {
    const { machine, container } = scene();
    await killedAt(Number.POSITIVE_INFINITY, machine, attach(machine, container));
    change(machine.world, deviceIn(container.netns, "eth1"), { name: "mine", mtu: 1280 });
    const inside = pictureOf(machine.world, container.netns);
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(machine.world, container.netns)).toEqual(inside);
    expect(next.engine.attachments()).toHaveLength(1);
  });

  test("brings home all that shared the namespace of a container that died meanwhile", async () => {
    const machine = machineWith("veth", "tap", "ifb");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const two = [
      mappingFor("a", { match: { name: "d0" } }),
      mappingFor("b", { match: { name: "d?" }, count: "all" }),
    ];
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    {
      using daemon = await startDaemon(machine, { mappings: two });
      await daemon.engine.handle(attachEvent(machine, "a", first));
      await daemon.engine.handle(attachEvent(machine, "b", second));
      expect(pictureOf(world, home)).not.toHaveProperty("d2");
    }
    kill(world, first);
    kill(world, second);
    using next = await startDaemon(machine, { mappings: two });
    await next.settle();
    expect(pictureOf(world, home)).toEqual(before);
    expectNothingLeft(machine);
  });

  test("keeps what is there for a container whose namespace another one still holds", async () => {
    const machine = machineWith("veth", "tap");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const two = [mappingFor("a", { match: { name: "d0" } }), mappingFor("b", { match: { name: "d1" } })];
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    {
      using daemon = await startDaemon(machine, { mappings: two });
      await daemon.engine.handle(attachEvent(machine, "a", first));
      await daemon.engine.handle(attachEvent(machine, "b", second));
    }
    kill(world, first);
    using next = await startDaemon(machine, { mappings: two });
    expect(Object.keys(pictureOf(world, second.netns)).toSorted()).toEqual(["d0", "d1"]);
    kill(world, second);
    await next.settle();
    expect(pictureOf(world, home)).toEqual(before);
    expectNothingLeft(machine);
  });

  test("tells a device that died with its namespace, which nothing held, and looks on for hardware", async () => {
    const { machine, container, before } = scene();
    const { world, home } = machine;
    await killedAt(Number.POSITIVE_INFINITY, machine, attach(machine, container));
    for (const file of Array.from(world.files.keys())) world.files.delete(file);
    container.netns.holds -= 1;
    kill(world, container);
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(world, home).d0).toMatchObject({ ...before.d0 });
    expect(next.log.filter((line) => line.includes("is no more"))).toHaveLength(2);
    expect(next.engine.attachments()).toEqual([]);
  });
});

describe("what could not be put on record", () => {
  const one = [mappingFor("c1", { match: { name: "d0" } })];

  test("is seen where it is: what came home while the disk was full is not taken for being inside", async () => {
    const { machine, container, before } = scene();
    const disk = { isFull: false };
    const writing =
      <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
      (...args: Args) => {
        if (disk.isFull) throw new Error("database or disk is full");
        write(...args);
      };
    {
      using daemon = await startDaemon(machine, {
        mappings: one,
        journal: (journal) => ({
          ...journal,
          update: writing(journal.update),
          updateDevice: writing(journal.updateDevice),
          delete: writing(journal.delete),
        }),
      });
      await attach(machine, container)(daemon);
      disk.isFull = true;
      await daemon.engine.handle(releaseEvent("c1"));
    }
    using next = await startDaemon(machine, { mappings: one });
    expect(next.engine.attachments()).toEqual([]);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("is put there when the disk has room again, though nothing else happens", async () => {
    const { machine, container } = scene();
    const disk = { isFull: false };
    using daemon = await startDaemon(machine, {
      mappings: one,
      journal: (journal) => ({
        ...journal,
        delete(key) {
          if (disk.isFull) throw new Error("database or disk is full");
          journal.delete(key);
        },
      }),
    });
    await attach(machine, container)(daemon);
    disk.isFull = true;
    await daemon.engine.handle(releaseEvent("c1"));
    expect(machine.rows.size).toBe(1);
    disk.isFull = false;
    await daemon.retry();
    expect(machine.rows.size).toBe(0);
  });
});

test("a pin of an earlier daemon that could not be renewed is let go all the same", async () => {
  const { machine, container } = scene();
  {
    using daemon = await startDaemon(machine, { mappings });
    await attach(machine, container)(daemon);
  }
  using next = await startDaemon(machine, {
    mappings,
    pins: (pins) => ({ ...pins, pin: () => "mount: ENOSPC: no space left on device" }),
  });
  expect(machine.world.files.size).toBe(1);
  await next.engine.handle(releaseEvent("c1"));
  expect(machine.world.files.size).toBe(0);
});

test.each(["hardware", "veth", "tun"] as const)(
  "killed when a %s has just been moved, and the container makes another of it at once",
  async (kind) => {
    const own = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];
    for (let at = 1; ; at++) {
      const machine = machineWith(kind);
      const { world, home } = machine;
      const before = pictureOf(world, home);
      const container = startContainer(machine);
      const fuse = createFuse(at);
      {
        using daemon = await startDaemon(machine, { mappings: own, fuse });
        await Promise.race([attach(machine, container)(daemon), fuse.burnt]);
      }
      if ("d0" in pictureOf(world, home)) continue;
      const mac = kind === "tun" ? undefined : "02:00:00:00:01:01";
      change(world, deviceIn(container.netns, "eth1"), { name: "mine", mac });
      using _ = await startDaemon(machine, { mappings: own });
      expect(pictureOf(world, home)).toEqual(before);
      break;
    }
  },
);
