import { describe, expect, test } from "bun:test";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill, spawn } from "../../sim/model/processes.ts";
import { attachEvent, containerEvent, mappingFor, stoppedEvent, type Wish } from "./events.ts";
import { addDevice, deviceIn, emptyMachine, KINDS, machineWith, startContainer } from "./host.ts";

const D0_AS_ETH1: Wish = { match: { name: "d0" }, name: "eth1" };

/** A daemon with one mapping for every container. */
function daemonFor(machine: Machine, ...wishes: readonly Wish[]) {
  return startDaemon(machine, { mappings: [mappingFor("c*", ...wishes)] });
}

describe("a device goes inside with all it has, and comes home with all it had", () => {
  for (const kind of KINDS) {
    test(kind, async () => {
      const machine = machineWith(kind);
      const { world, home } = machine;
      const before = pictureOf(world, home);
      using daemon = await daemonFor(machine, D0_AS_ETH1);
      const container = startContainer(machine);

      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict).toMatchObject({ outcome: "attached", mapping: "for-c*", warnings: [], error: null });
      expect(verdict.devices).toMatchObject([{ host_name: "d0", name: "eth1" }]);
      const [inside, was] = [pictureOf(world, container.netns).eth1, before.d0];
      const { mtu, mac, alias, altnames, txqueuelen } = was?.device ?? {};
      expect(inside?.device).toMatchObject({ up: true, mtu, mac, alias, altnames, txqueuelen });
      const relabelled = was?.addresses.map((one) => ({
        ...one,
        label: one.label?.replace("d0", "eth1") ?? null,
      }));
      expect(inside?.addresses).toEqual(relabelled ?? []);
      expect(pictureOf(world, home)).not.toHaveProperty("d0");

      kill(world, container);
      await daemon.settle();
      expect(pictureOf(world, home)).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
      expect(world.namespaces).toEqual([home]);
    });
  }
});

test("what the mapping gives is there in place of what the device has, and is off again at home", async () => {
  const machine = machineWith("veth");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const addresses = [
    { family: "inet", local: "192.0.2.7", prefixLength: 25 },
    { family: "inet6", local: "2001:db8:7::1", prefixLength: 48 },
  ] as const;
  using daemon = await daemonFor(machine, {
    ...D0_AS_ETH1,
    addresses,
    mtu: 1300,
    mac: "02:00:00:00:00:07",
    dad: "skip",
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const inside = pictureOf(world, container.netns).eth1;
  expect(inside?.device).toMatchObject({ mtu: 1300, mac: "02:00:00:00:00:07" });
  expect(inside?.addresses.map(({ local, label, flags }) => [local, label, flags & 0x40])).toEqual([
    ["192.0.2.7", "eth1", 0],
    ["2001:db8:7::1", null, 0],
  ]);
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(pictureOf(world, home)).toEqual(before);
});

test("`up = false` leaves it down inside, and it is up again at home", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  using daemon = await daemonFor(machine, { ...D0_AS_ETH1, up: false });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(deviceIn(container.netns, "eth1").up).toBe(false);
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(pictureOf(world, home)).toEqual(before);
});

test("a pattern takes the first numbers that are free inside", async () => {
  const machine = machineWith("veth", "ifb", "tap");
  const { world } = machine;
  using daemon = await daemonFor(machine, { match: { name: "d?" }, count: "all", name: "net%d" });
  const container = startContainer(machine);
  addDevice(world, container.netns, "ifb", "net1");
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(verdict.devices.map(({ name }) => name)).toEqual(["net0", "net2", "net3"]);
});

test("the order of names is that of numbers", async () => {
  const machine = emptyMachine();
  for (const name of ["v10", "v9", "v2"]) addDevice(machine.world, machine.home, "ifb", name);
  using daemon = await daemonFor(machine, { match: { name: "v*" }, count: 2 });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
  expect(verdict.devices.map(({ name }) => name)).toEqual(["v2", "v9"]);
});

describe("an event that was there already", () => {
  test("is answered as it was, by the same event; another one changes nothing", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const container = startContainer(machine);
    const first = await daemon.engine.handle(attachEvent(machine, "c1", container, "first"));
    const open = daemon.openCount();
    const inside = pictureOf(machine.world, container.netns);
    expect(await daemon.engine.handle(attachEvent(machine, "c1", container, "first"))).toEqual(first);
    const again = await daemon.engine.handle(attachEvent(machine, "c1", container, "second"));
    expect(again).toMatchObject({ outcome: "unchanged", devices: first.devices });
    expect(pictureOf(machine.world, container.netns)).toEqual(inside);
    expect(daemon.openCount()).toBe(open);
  });

  test("moves the holder on to another process of the namespace", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    const open = daemon.openCount();
    const next = startContainer(machine, container);
    const again = await daemon.engine.handle(attachEvent(machine, "c1", next, "second"));
    expect(again.outcome).toBe("unchanged");
    expect(daemon.openCount()).toBe(open);
    kill(machine.world, container);
    await daemon.settle();
    expect(pictureOf(machine.world, next.netns)).toHaveProperty("eth1");
    kill(machine.world, next);
    await daemon.settle();
    expect(daemon.engine.attachments()).toEqual([]);
  });
});

describe("a known id in another namespace", () => {
  test("is in use while the process there lives", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    const open = daemon.openCount();
    const other = startContainer(machine);
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", other, "second"));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "id-in-use" }, devices: [] });
    expect(pictureOf(machine.world, container.netns)).toHaveProperty("eth1");
    expect(daemon.openCount()).toBe(open);
  });

  test("is brought home first where the process there is dead, though nobody has told yet", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    kill(machine.world, container);
    const other = startContainer(machine);
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", other, "second"));
    expect(verdict).toMatchObject({ outcome: "attached", error: null });
    expect(pictureOf(machine.world, other.netns)).toHaveProperty("eth1");
  });
});

describe("nothing is touched, and nothing kept", () => {
  const cases: readonly [string, string, (machine: Machine) => Parameters<typeof containerEvent>[3]][] = [
    ["pid 0", "pid-not-allowed", () => ({ by: "pid", pid: 0 })],
    ["pid 1", "pid-not-allowed", () => ({ by: "pid", pid: 1 })],
    [
      "the host's own namespace",
      "host-namespace",
      (at) => ({ by: "pid", pid: spawn(at.world, at.home).pid }),
    ],
    ["no such process", "process-gone", () => ({ by: "pid", pid: 4711 })],
    ["no such path", "not-a-namespace", () => ({ by: "netns", path: "/run/netns/none" })],
  ];
  for (const [title, code, target] of cases) {
    test(title, async () => {
      const machine = machineWith("veth");
      const before = pictureOf(machine.world, machine.home);
      using daemon = await daemonFor(machine, D0_AS_ETH1);
      const open = daemon.openCount();
      const event = containerEvent(machine, "c1", "creating", target(machine));
      expect(await daemon.engine.handle(event)).toMatchObject({ outcome: "refused", error: { code } });
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.openCount()).toBe(open);
      expect(machine.rows.size).toBe(0);
    });
  }

  test("no mapping", async () => {
    const machine = machineWith("veth");
    using daemon = await startDaemon(machine, { mappings: [mappingFor("other", D0_AS_ETH1)] });
    const open = daemon.openCount();
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "no-mapping", mapping: null, error: null });
    expect(daemon.openCount()).toBe(open);
  });

  test("`running` without a target", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const verdict = await daemon.engine.handle(containerEvent(machine, "c1", "running", null));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "invalid-event" } });
  });
});

test("a path of a namespace does as well as a pid, and only `stopped` ends it", async () => {
  const machine = machineWith("veth");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const netns = addNamespace(world);
  netns.holds += 1;
  world.files.set("/run/netns/c1", netns);
  using daemon = await daemonFor(machine, D0_AS_ETH1);
  const target = { by: "netns", path: "/run/netns/c1" } as const;
  const verdict = await daemon.engine.handle(containerEvent(machine, "c1", "running", target));
  expect(verdict.outcome).toBe("attached");
  expect(pictureOf(world, netns)).toHaveProperty("eth1");
  await daemon.settle();
  expect(pictureOf(world, netns)).toHaveProperty("eth1");
  expect((await daemon.engine.handle(stoppedEvent(machine, "c1"))).outcome).toBe("returned");
  expect(pictureOf(world, home)).toEqual(before);
});

describe("a device that is not to be had", () => {
  test("is a conflict where the mapping requires it", async () => {
    const machine = machineWith("veth");
    using daemon = await daemonFor(machine, D0_AS_ETH1, { match: { name: "d7" } });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-missing" }, devices: [] });
    expect(pictureOf(machine.world, machine.home)).toHaveProperty("d0");
  });

  test("is a warning where it does not", async () => {
    const machine = machineWith("veth");
    const mapping = { ...mappingFor("c1", D0_AS_ETH1, { match: { name: "d7" } }), required: false };
    using daemon = await startDaemon(machine, { mappings: [mapping] });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "attached", warnings: [{ code: "device-missing" }] });
    expect(verdict.devices).toHaveLength(1);
  });

  test("is guarded where the way to the network leads through it", async () => {
    const machine = machineWith("hardware");
    deviceIn(machine.home, "d0").defaultRoutes.push("inet6");
    using daemon = await daemonFor(machine, D0_AS_ETH1);
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-guarded", device: "d0" } });
  });
});

test("64 devices go inside and come home", async () => {
  const machine = machineWith(...Array.from({ length: 64 }, () => "ifb" as const));
  const { world, home } = machine;
  const before = pictureOf(world, home);
  using daemon = await daemonFor(machine, { match: { name: "d*" }, count: 64, name: "net%d" });
  const container = startContainer(machine);
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(verdict.devices).toHaveLength(64);
  expect(verdict.devices.at(-1)).toMatchObject({ host_name: "d63", name: "net63" });
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
});
