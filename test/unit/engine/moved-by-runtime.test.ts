import { describe, expect, test } from "bun:test";
import { listAddresses } from "../../sim/model/addresses.ts";
import type { Machine } from "../../sim/model/daemon.ts";
import { createFuse, refuseChange, refusingSystem } from "../../sim/model/faults.ts";
import { deleteLink } from "../../sim/model/links.ts";
import { pictureOf, type Seen } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { bundleEvent, namesIn, sceneOf } from "./bundle-scene.ts";
import { mappingFor, stoppedEvent } from "./events.ts";
import { addDevice, addProven, change, deviceIn, KINDS, startContainer } from "./host.ts";

// A runtime that knows of `linux.netDevices` moves the devices before it calls its hooks, and may not bring them home
// (OCI runtime-spec 1.3, config-linux.md).

type Container = ReturnType<typeof startContainer>;

/** What the spec has a runtime do: it moves the device under this name, and gives it its addresses again. */
function moveAsRuntime({ world, home }: Machine, { netns }: Container, device: string, name: string): void {
  const link = deviceIn(home, device);
  const addresses = listAddresses(world, link);
  change(world, link, { target: netns, name });
  // The kernel tells of those of IPv6 in the reverse of the order in which they came.
  const [inet, inet6] = (["inet", "inet6"] as const).map((one) =>
    addresses.filter(({ family }) => family === one),
  );
  for (const address of [...(inet ?? []), ...(inet6 ?? []).toReversed()]) addProven(world, link, address);
  change(world, link, { up: true });
}

/** What can be known of a device that nobody has seen whole at home. */
function known(seen: Seen | undefined): unknown {
  if (seen === undefined) return null;
  const { device, addresses } = seen;
  const { operstate: _, ...lasting } = device;
  return { lasting, addresses: addresses.map(({ local, prefixLength }) => `${local}/${prefixLength}`) };
}

const FORMS = [
  [null, "d0"],
  ["eth0", "eth0"],
  ["eth%d", "eth4"],
] as const;

describe("what the daemon has seen leave comes home under its own name, with what it has inside:", () => {
  for (const kind of KINDS) {
    for (const [asked, name] of FORMS) {
      test(`${kind}, inside as ${name} for ${asked ?? "its own name"}`, async () => {
        const { machine, before, start } = sceneOf({ "/c1": { d0: asked, d1: "eth1" } }, [kind, "ifb"]);
        using daemon = await start();
        const container = startContainer(machine);
        moveAsRuntime(machine, container, "d0", name);
        const inside = pictureOf(machine.world, container.netns)[name];
        const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", container));
        expect(verdict).toMatchObject({
          outcome: "attached",
          mapping: "linux.netDevices",
          devices: [
            { host_name: "d0", name },
            { host_name: "d1", name: "eth1" },
          ],
          warnings: [{ code: "moved-by-runtime", device: "d0" }],
          error: null,
        });
        expect(verdict.warnings[0]?.message).toContain("it comes home as it is now");
        expect(pictureOf(machine.world, container.netns)[name]).toEqual(inside);
        const again = await daemon.engine.handle(bundleEvent(machine, "c1", container, "again"));
        expect(again.outcome).toBe("unchanged");
        kill(machine.world, container);
        await daemon.settle();
        const after = pictureOf(machine.world, machine.home);
        expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
        expect(known(after.d0)).toEqual(known(before.d0));
        expect(after.d1).toEqual(before.d1);
        expect(daemon.engine.attachments()).toEqual([]);
        expect(daemon.openCount()).toBe(3);
      });
    }
  }

  test("also where the daemon is killed at whatever moment after it is on record, and the container once that is pinned", async () => {
    let deaths = 0;
    for (let at = 1, isBurnt = true; isBurnt; at++) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: "eth0" } });
      const container = startContainer(machine);
      const fuse = createFuse(at);
      {
        using daemon = await start([], ["*"], { fuse });
        moveAsRuntime(machine, container, "d0", "eth0");
        await Promise.race([daemon.engine.handle(bundleEvent(machine, "c1", container)), fuse.burnt]);
        isBurnt = fuse.isBurnt;
      }
      if (machine.rows.size === 0) continue;
      deaths += 1;
      // Before it is pinned nothing but the container holds it.
      if (machine.world.files.size > 0) kill(machine.world, container);
      using next = await start();
      await next.settle();
      kill(machine.world, container);
      await next.settle();
      expect(known(pictureOf(machine.world, machine.home).d0)).toEqual(known(before.d0));
      expect(next.engine.attachments()).toEqual([]);
    }
    expect(deaths).toBeGreaterThan(3);
  });

  test("what somebody changes inside before the daemon looks is no more at home", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: "eth0" } });
    using daemon = await start();
    const container = startContainer(machine);
    moveAsRuntime(machine, container, "d0", "eth0");
    change(machine.world, deviceIn(container.netns, "eth0"), { mtu: 1280, alias: "theirs", txqueuelen: 5 });
    await daemon.engine.handle(bundleEvent(machine, "c1", container));
    kill(machine.world, container);
    await daemon.settle();
    expect(known(pictureOf(machine.world, machine.home).d0)).toEqual(known(before.d0));
  });

  test("it is held for the others of its pod as well", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: "eth0" }, "/c2": { d0: "eth0" } });
    using daemon = await start();
    const first = startContainer(machine);
    moveAsRuntime(machine, first, "d0", "eth0");
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    const second = startContainer(machine, first);
    expect(await daemon.engine.handle(bundleEvent(machine, "c2", second))).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: "d0", name: "eth0" }],
      warnings: [],
    });
    kill(machine.world, first);
    await daemon.settle();
    expect(namesIn(machine, second)).toEqual(["eth0"]);
    kill(machine.world, second);
    await daemon.settle();
    expect(known(pictureOf(machine.world, machine.home).d0)).toEqual(known(before.d0));
  });

  test("where another device is refused, it comes home too", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: "eth0", d1: "eth1" } });
    using daemon = await start([], ["*"], {
      system: (own) => refusingSystem(own, refuseChange(1, "EINVAL")),
    });
    const container = startContainer(machine);
    moveAsRuntime(machine, container, "d0", "eth0");
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ outcome: "failed", error: { device: "d1" } });
    const after = pictureOf(machine.world, machine.home);
    expect([known(after.d0), after.d1]).toEqual([known(before.d0), before.d1]);
  });
});

describe("told, and left alone:", () => {
  for (const [asked, name] of FORMS) {
    test(`what left before the daemon began, inside as ${name} for ${asked ?? "its own name"}`, async () => {
      const { machine, start } = sceneOf({ "/c1": { d0: asked, d1: "eth1" } });
      const container = startContainer(machine);
      moveAsRuntime(machine, container, "d0", name);
      using daemon = await start();
      const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", container));
      expect(verdict).toMatchObject({
        outcome: "attached",
        devices: [{ host_name: "d1", name: "eth1" }],
        warnings: [{ code: "moved-by-runtime", device: "d0" }],
      });
      expect(verdict.warnings[0]?.message).toContain("cannot bring it home");
      expect(namesIn(machine, container)).toEqual([name, "eth1"].sort());
      await daemon.engine.handle(stoppedEvent(machine, "c1"));
      expect(namesIn(machine, container)).toEqual([name]);
    });
  }

  test("all of them: the container starts, and nothing is brought home", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" } });
    const container = startContainer(machine);
    moveAsRuntime(machine, container, "d0", "eth0");
    using daemon = await start();
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", container))).toMatchObject({
      outcome: "attached",
      devices: [],
      warnings: [{ code: "moved-by-runtime" }],
    });
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", container, "again"))).toMatchObject({
      outcome: "unchanged",
    });
    kill(machine.world, container);
    await daemon.settle();
    expect(daemon.engine.attachments()).toEqual([]);
    expect(daemon.openCount()).toBe(3);
  });

  test("one of the container's own that has the name, and the number that the device left with", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" } });
    using daemon = await start();
    const [container, other] = [startContainer(machine), startContainer(machine)];
    const d0 = deviceIn(machine.home, "d0");
    change(machine.world, d0, { target: other.netns });
    const own = addDevice(machine.world, container.netns, "veth", "eth0");
    expect(own.ifindex).toBe(d0.ifindex);
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ devices: [], warnings: [{ code: "moved-by-runtime" }] });
    kill(machine.world, container);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home).d0).toBeUndefined();
    expect(pictureOf(machine.world, machine.home).eth0).toBeUndefined();
  });

  test("one that has the number of a device without MAC that was home again since, and is no more", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" } }, ["tun"]);
    using daemon = await start();
    const [container, other] = [startContainer(machine), startContainer(machine)];
    const d0 = deviceIn(machine.home, "d0");
    change(machine.world, d0, { target: other.netns });
    change(machine.world, d0, { target: machine.home });
    deleteLink(machine.world, d0);
    const own = addDevice(machine.world, container.netns, "tun", "eth0");
    expect(own.ifindex).toBe(d0.ifindex);
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ devices: [], warnings: [{ code: "moved-by-runtime" }] });
  });
});

describe("told as missing:", () => {
  test("one that is inside under another name", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" } });
    using daemon = await start();
    const container = startContainer(machine);
    change(machine.world, deviceIn(machine.home, "d0"), { target: container.netns, name: "eth1" });
    expect((await daemon.engine.handle(bundleEvent(machine, "c1", container))).error?.code).toBe(
      "device-missing",
    );
  });

  test("one that a mapping asks for it", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" } });
    using daemon = await start([mappingFor("c1", { match: { name: "d0" }, name: "eth0" })]);
    const container = startContainer(machine);
    change(machine.world, deviceIn(machine.home, "d0"), { target: container.netns, name: "eth0" });
    expect((await daemon.engine.handle(bundleEvent(machine, "c1", container))).error?.code).toBe(
      "device-missing",
    );
  });

  test("one whose name another has that netdevd has brought there", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "eth0" }, "/c2": { d7: "eth0" } });
    using daemon = await start();
    const first = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c2", startContainer(machine, first)));
    expect(verdict.error).toMatchObject({ code: "device-missing", device: "d7" });
  });
});
