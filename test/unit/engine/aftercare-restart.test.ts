import { describe, expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { createFuse } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { advance } from "../../sim/model/world.ts";
import { home, type Scene } from "./come-home.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { change, machineWith, startContainer } from "./host.ts";

// What has come home is looked after for ten seconds, by whichever daemon is there.

describe("the daemon dies meanwhile", () => {
  /** The machine of {@link home}, under the next daemon. */
  async function next({ machine, others }: Scene) {
    return startDaemon(machine, {
      mappings: [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })],
      others: { settled: () => others.isSettled, manages: () => others.isManaged },
    });
  }

  test("before udev has settled: the next one puts back what udev does", async () => {
    const scene = await home();
    const { machine, d0, before, others, pass } = scene;
    others.isSettled = false;
    await pass(300);
    scene.daemon[Symbol.dispose]();
    change(machine.world, d0, { name: "lan0", mtu: 1280 });
    advance(machine.world, 1000);
    using daemon = await next(scene);
    others.isSettled = true;
    await pass(200);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(daemon.log).toContainEqual(expect.stringMatching(/somebody else changed d0 .*; put back$/));
  });

  test("after it had looked: what has been changed since is somebody's wish, but for a manager's", async () => {
    const scene = await home();
    const { machine, d0, others, pass } = scene;
    await pass(500);
    scene.daemon[Symbol.dispose]();
    change(machine.world, d0, { mtu: 1300 });
    using daemon = await next(scene);
    await pass(2000);
    expect(d0.mtu).toBe(1300);
    others.isManaged = true;
    await pass(4000);
    expect(d0.mtu).not.toBe(1300);
    expect(daemon.log.filter((line) => line.startsWith("warning"))).toHaveLength(1);
  });

  test("while devices come home, before or after any of its effects", async () => {
    let tried = 0;
    for (let isOver = false; !isOver; ) {
      const at = tried + 1;
      const machine = machineWith("hardware");
      const before = pictureOf(machine.world, machine.home);
      const others = { settled: () => true, manages: () => false };
      const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];
      const container = startContainer(machine);
      {
        using daemon = await startDaemon(machine, { mappings });
        await daemon.engine.handle(attachEvent(machine, "c1", container));
      }
      kill(machine.world, container);
      const fuse = createFuse(at);
      const dying = await startDaemon(machine, { mappings, others, fuse });
      dying[Symbol.dispose]();
      isOver = fuse.effects < at;
      const d0 = machine.home.links.values().find(({ name }) => name === "d0");
      if (d0 !== undefined) change(machine.world, d0, { mtu: 1280 });
      using _ = await startDaemon(machine, { mappings, others });
      for (let step = 0; step < 20; step++) {
        advance(machine.world, 50);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect({ at, home: pictureOf(machine.world, machine.home) }).toEqual({ at, home: before });
      tried = at;
    }
    expect(tried).toBeGreaterThan(8);
  });

  for (const [when, later] of [
    ["for longer than anybody waits for udev", 10_000],
    ["and the clock is set back", -60_000],
  ] as const) {
    test(`${when}: what was changed meanwhile stays, and nothing is on record any more`, async () => {
      const scene = await home();
      const { machine, d0, pass } = scene;
      scene.daemon[Symbol.dispose]();
      change(machine.world, d0, { mtu: 1300 });
      if (later > 0) advance(machine.world, later);
      else machine.world.bootedAt += later;
      using daemon = await next(scene);
      await pass(12_000);
      expect(d0.mtu).toBe(1300);
      expect(daemon.log).toEqual([]);
      expect(machine.returned.size).toBe(0);
    });
  }

  test("and the device is given away again by the next: it is not looked after inside", async () => {
    const scene = await home();
    const { machine, d0, others, pass } = scene;
    others.isManaged = true;
    scene.daemon[Symbol.dispose]();
    using daemon = await next(scene);
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c2", container));
    change(machine.world, d0, { mtu: 1300 });
    await pass(12_000);
    expect(d0).toMatchObject({ name: "eth1", mtu: 1300 });
    expect(machine.returned.size).toBe(0);
  });
});

test("what has been looked after for ten seconds is on record no more", async () => {
  const { machine, daemon, pass } = await home();
  using _ = daemon;
  expect(machine.returned.size).toBe(1);
  await pass(9000);
  expect(machine.returned.size).toBe(1);
  await pass(2000);
  expect(machine.returned.size).toBe(0);
});

test("whoever releases without a daemon waits until udev has settled and it has been looked at", async () => {
  const { machine, daemon, before, d0, others, pass } = await home();
  using _ = daemon;
  others.isSettled = false;
  let isOver = false;
  const looked = daemon.engine.lookedAfter().then(() => {
    isOver = true;
  });
  change(machine.world, d0, { mtu: 1300 });
  await pass(1000);
  expect(isOver).toBe(false);
  others.isSettled = true;
  await pass(200);
  await looked;
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});
