import { describe, expect, test } from "bun:test";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { advance } from "../../sim/model/world.ts";
import { bundleEvent, type Given, namesIn, sceneOf } from "./bundle-scene.ts";
import { attachEvent, mappingFor, stoppedEvent } from "./events.ts";
import { addDevice, change, deviceIn, startContainer } from "./host.ts";

// "[oci] net_devices = true: also honour linux.netDevices of the event's BUNDLE/config.json."

describe("a container of no mapping gets what its bundle asks for", () => {
  test("in its order, under the names that it gives, and home it comes as it was", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d1: "eth0", d0: null } });
    using daemon = await start();
    const container = startContainer(machine);
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", container))).toMatchObject({
      outcome: "attached",
      mapping: "linux.netDevices",
      devices: [
        { host_name: "d1", name: "eth0" },
        { host_name: "d0", name: "d0" },
      ],
      warnings: [],
    });
    expect(namesIn(machine, container)).toEqual(["d0", "eth0"]);
    kill(machine.world, container);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(daemon.engine.attachments()).toEqual([]);
  });

  test('"%d" is the first free number', async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: "net%d", d1: "net%d" } });
    using daemon = await start();
    const container = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", container));
    expect(namesIn(machine, container)).toEqual(["net0", "net1"]);
  });

  test("said again is unchanged, and nothing is read again", async () => {
    const { machine, read, start } = sceneOf({ "/c1": { d0: null } });
    using daemon = await start();
    const container = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", container));
    const devices = [{ host_name: "d0", name: "d0" }];
    const again = await daemon.engine.handle(bundleEvent(machine, "c1", container, "again"));
    expect(again).toMatchObject({ outcome: "unchanged", mapping: "linux.netDevices", devices });
    expect(read).toEqual(["/c1"]);
  });

  test("one that asks for nothing is of no mapping", async () => {
    const { machine, start } = sceneOf({});
    using daemon = await start();
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "no-mapping", mapping: null });
  });
});

test("no bundle is read where that is not asked for, nor where the event names none", async () => {
  const { machine, read, start } = sceneOf({ "/c1": { d0: null } });
  {
    using daemon = await start([], null);
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(verdict.outcome).toBe("no-mapping");
  }
  using daemon = await start();
  const bare = { ...attachEvent(machine, "c1", startContainer(machine)), bundle: null };
  expect((await daemon.engine.handle(bare)).outcome).toBe("no-mapping");
  expect((await daemon.engine.handle({ ...bare, bundle: "" })).outcome).toBe("no-mapping");
  expect(read).toEqual([]);
});

describe("a bundle is refused, and nothing is touched:", () => {
  const problem = { code: "bundle-invalid", message: "/c1/config.json: so", device: null } as const;
  const cases: [title: string, given: Given[string], code: string, device: string | null][] = [
    ["what cannot be read", { ok: false, problem }, "bundle-invalid", null],
    ["a device that is not allowed", { d0: null, secret: null }, "device-not-allowed", "secret"],
    ["a device that is not there", { d0: null, d7: null }, "device-missing", "d7"],
    ["a device that is guarded", { lo: null }, "device-guarded", "lo"],
    ["two devices of one name inside", { d0: "eth0", d1: "eth0" }, "same-name-twice", "d1"],
    ["a pattern, which is a name like any other", { "d*": null }, "device-missing", "d*"],
  ];
  for (const [title, given, code, device] of cases) {
    test(title, async () => {
      const { machine, before, start } = sceneOf({ "/c1": given ?? {} });
      using daemon = await start([], ["d*", "lo"]);
      const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
      expect(verdict).toMatchObject({
        outcome: "refused",
        mapping: "linux.netDevices",
        error: { code, device },
      });
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
      expect(daemon.openCount()).toBe(3);
    });
  }

  test("what is to be added to the config is said", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: null, "a*": null, d1: null } });
    using daemon = await start([], ["d0"]);
    const { error } = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(error?.message).toContain('add "a\\\\*", "d1" to `allow` in [oci]');
  });

  test("for a device that only `force` would give away, it is said that a mapping may", async () => {
    const { machine, start } = sceneOf({ "/c1": { "d3-low": null } });
    addDevice(machine.world, machine.home, "macvlan", "d3");
    using daemon = await start();
    const { error } = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(error).toMatchObject({ code: "device-guarded" });
    expect(error?.message).toContain("`force = true` in a mapping for it");
  });
});

describe("with a mapping as well", () => {
  const mapping = mappingFor("c1", { match: { name: "d0" }, name: "eth0" });

  test("a container gets what both ask for, the mapping's first", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d1: "eth1" } });
    using daemon = await start([mapping]);
    const container = startContainer(machine);
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", container))).toMatchObject({
      outcome: "attached",
      mapping: "for-c1",
      devices: [{ host_name: "d0" }, { host_name: "d1", name: "eth1" }],
    });
    expect(daemon.engine.attachments()).toHaveLength(1);
    kill(machine.world, container);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  for (const [how, selector] of [
    ["its name", { name: "d0" }],
    ["what it is", { kind: "veth", name: "d?" }],
  ] as const) {
    test(`a device that both ask for, the mapping by ${how}, is as the mapping has it`, async () => {
      const { machine, start } = sceneOf({ "/c1": { d0: "other", d1: null } });
      using daemon = await start([mappingFor("c1", { match: selector, name: "eth0" })]);
      expect(await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)))).toMatchObject({
        outcome: "attached",
        devices: [
          { host_name: "d0", name: "eth0" },
          { host_name: "d1", name: "d1" },
        ],
        warnings: [],
      });
    });
  }

  test("a name inside that both give away is a clash", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d1: "eth0" } });
    using daemon = await start([mapping]);
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)))).toMatchObject({
      outcome: "refused",
      mapping: "for-c1",
      error: { code: "same-name-twice", device: "d1" },
    });
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("all or none: where the bundle's cannot be had, the mapping's stay home", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d7: null } });
    using daemon = await start([{ ...mapping, required: false, wait: 10_000 }]);
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)))).toMatchObject({
      outcome: "refused",
      error: { code: "device-missing", device: "d7" },
    });
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("the mapping's are waited for, with the bundle read once", async () => {
    const { machine, read, start } = sceneOf({ "/c1": { d1: null } });
    using daemon = await start([{ ...mappingFor("c1", { match: { name: "d9" } }), wait: 10_000 }]);
    const verdict = daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    await daemon.settle();
    expect(daemon.engine.waiting()).toHaveLength(1);
    addDevice(machine.world, machine.home, "ifb", "d9");
    await daemon.settle();
    expect(await verdict).toMatchObject({ outcome: "attached", devices: [{ name: "d9" }, { name: "d1" }] });
    expect(read).toEqual(["/c1"]);
  });

  test("nobody waits for the bundle's, though the mapping has time", async () => {
    const { machine, start } = sceneOf({ "/c1": { d7: null } });
    using daemon = await start([{ ...mappingFor("c1", { match: { name: "d9" } }), wait: 10_000 }]);
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "refused" });
    advance(machine.world, 10_000);
    expect(daemon.engine.waiting()).toEqual([]);
  });

  test("`on_exit = \"leave\"` is for the mapping's alone: the bundle's come home", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d1: "eth1" } });
    using daemon = await start([{ ...mapping, onExit: "leave" }]);
    const container = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", container));
    const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
    expect(verdict).toMatchObject({
      outcome: "returned",
      devices: [{ host_name: "d1", name: "d1" }],
      warnings: [{ code: "left-inside", device: "d0" }],
    });
    expect(namesIn(machine, container)).toEqual(["eth0"]);
    const { d0: _d0, "d0-far": _far, ...rest } = before;
    expect(pictureOf(machine.world, machine.home)).toMatchObject(rest);
    expect(daemon.engine.attachments()).toEqual([]);
    expect(daemon.openCount()).toBe(3);
  });

  test("nobody waits until udev is done with the bundle's", async () => {
    const { machine, start } = sceneOf({ "/c1": { d1: null } });
    deviceIn(machine.home, "d1").isSetUp = false;
    using daemon = await start([{ ...mapping, wait: 10_000 }]);
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: "d0" }, { host_name: "d1" }],
    });
  });

  test('the bundle\'s is followed where the container moves it on to, and comes home, though `on_exit = "leave"`', async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d1: "eth1" } });
    const { world } = machine;
    using daemon = await start([{ ...mapping, onExit: "leave" }]);
    const container = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", container));
    const nested = startContainer(machine);
    change(world, deviceIn(container.netns, "eth1"), { target: nested.netns });
    await daemon.settle();
    kill(world, nested);
    await daemon.settle();
    kill(world, container);
    await daemon.settle();
    expect(pictureOf(world, machine.home)).toHaveProperty("d1", before.d1);
    expect(daemon.engine.attachments()).toEqual([]);
    expect(daemon.openCount()).toBe(3);
  });
});

describe("after a restart", () => {
  test("what bundles asked for is adopted though they are gone and are not read any more", async () => {
    const { machine, before, read, start } = sceneOf({ "/c1": { d0: "eth0" } });
    const container = startContainer(machine);
    {
      using daemon = await start();
      await daemon.engine.handle(bundleEvent(machine, "c1", container));
    }
    using daemon = await start([], null);
    expect(namesIn(machine, container)).toEqual(["eth0"]);
    expect(await daemon.engine.handle(bundleEvent(machine, "c1", container, "again"))).toMatchObject({
      outcome: "unchanged",
      mapping: "linux.netDevices",
    });
    expect(read).toEqual(["/c1"]);
    kill(machine.world, container);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });
});
