import { describe, expect, test } from "bun:test";
import { AF_INET } from "../../../src/netlink/uapi.ts";
import { flush } from "../../sim/model/addresses.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { hold, letGo } from "../../sim/model/lifetime.ts";
import { addLink, deleteLink, type Link } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill, reap, spawn } from "../../sim/model/processes.ts";
import { addAltname, deleteAltname } from "../../sim/model/set-link.ts";
import { attachEvent, mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import { addProven, address, change, deviceIn, type Kind, machineWith, startContainer } from "./host.ts";

const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];

/** A machine with d0 attached to c1 as eth1. */
async function attached(...kinds: readonly Kind[]) {
  const machine = machineWith(...kinds);
  const before = pictureOf(machine.world, machine.home);
  const daemon = await startDaemon(machine, { mappings });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  return { machine, before, daemon, container };
}

describe("home", () => {
  test("as the port that it was, with what was set of it as one", async () => {
    const machine = machineWith("veth");
    const { world, home } = machine;
    const bridge = addLink(world, home, { name: "br0", kind: "bridge" });
    const link = deviceIn(home, "d0");
    change(world, link, { master: bridge.ifindex, flags: 0x1300 });
    link.port.set("hairpin", 1).set("cost", 7);
    const before = pictureOf(world, home);
    using daemon = await startDaemon(machine, { mappings });
    const container = startContainer(machine);
    expect((await daemon.engine.handle(attachEvent(machine, "c1", container))).outcome).toBe("attached");
    expect(deviceIn(container.netns, "eth1")).toMatchObject({ master: null, flags: 0x1300 });
    change(world, deviceIn(container.netns, "eth1"), { flags: 0x1000 });
    expect(await daemon.engine.handle(releaseEvent("c1"))).toMatchObject({
      outcome: "returned",
      warnings: [],
    });
    expect(pictureOf(world, home)).toEqual(before);
  });

  test("without the nexthop objects that went with it, which is told before and then", async () => {
    const machine = machineWith("veth");
    const { home } = machine;
    deviceIn(home, "d0").nexthops.push({ id: 5, gateway: "10.4.0.9" }, { id: 6, gateway: null });
    const earlier = await startDaemon(machine, { mappings });
    const attach = await earlier.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(attach.warnings).toMatchObject([
      {
        code: "not-as-wanted",
        message: expect.stringContaining("without its nexthop object 5 via 10.4.0.9: "),
      },
      { code: "not-as-wanted", message: expect.stringContaining("without its nexthop object 6: ") },
    ]);
    earlier[Symbol.dispose]();
    // By what it has put on record.
    using daemon = await startDaemon(machine, { mappings });
    expect((await daemon.engine.handle(releaseEvent("c1"))).warnings).toMatchObject([
      {
        code: "not-as-wanted",
        message: expect.stringContaining("nexthop object 5 via 10.4.0.9 is not there"),
      },
      { code: "not-as-wanted", message: expect.stringContaining("nexthop object 6 is not there") },
    ]);
  });

  test("without the static multicast addresses that the kernel forgot, which is told before and then", async () => {
    const machine = machineWith("veth");
    deviceIn(machine.home, "d0").multicasts.push("33:33:00:00:77:77");
    deviceIn(machine.home, "d0-far").multicasts.push("33:33:00:00:88:88");
    const earlier = await startDaemon(machine, { mappings });
    const container = startContainer(machine);
    const attach = await earlier.engine.handle(attachEvent(machine, "c1", container));
    const without = expect.stringContaining("without its static multicast address 33:33:00:00:77:77: ");
    expect(attach.warnings).toMatchObject([{ code: "not-as-wanted", message: without }]);
    earlier[Symbol.dispose]();
    // The container's own.
    deviceIn(container.netns, "eth1").multicasts.push("33:33:00:00:99:99");
    // By what it has put on record.
    using daemon = await startDaemon(machine, { mappings });
    const missing = expect.stringContaining("static multicast address 33:33:00:00:77:77 is not there: ");
    expect(await daemon.engine.handle(releaseEvent("c1"))).toMatchObject({
      outcome: "returned",
      warnings: [{ code: "not-as-wanted", message: missing }],
    });
  });

  test("though somebody has deleted a policy rule that named it, which is told, and no other one", async () => {
    const machine = machineWith("veth");
    const { home } = machine;
    const rule = { family: AF_INET, iif: "d0", oif: undefined, table: 77 };
    home.rules.push(
      { ...rule, priority: 100 },
      { ...rule, priority: 101 },
      { ...rule, priority: 102, iif: "d7" },
    );
    const earlier = await startDaemon(machine, { mappings });
    const attach = await earlier.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(attach).toMatchObject({ outcome: "attached", warnings: [] });
    earlier[Symbol.dispose]();
    home.rules.splice(1, 2);
    // By what it has put on record.
    using daemon = await startDaemon(machine, { mappings });
    const message = expect.stringContaining(
      "policy rule 101: from all iif d0 lookup 77 is not there any more",
    );
    expect(await daemon.engine.handle(releaseEvent("c1"))).toMatchObject({
      outcome: "returned",
      warnings: [{ code: "not-as-wanted", message }],
    });
  });

  test("on `stopped`, though the process lives", async () => {
    const { machine, before, daemon, container } = await attached("veth");
    using _ = daemon;
    const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
    expect(verdict).toMatchObject({
      outcome: "returned",
      mapping: "for-c*",
      devices: [{ host_name: "d0", name: "d0" }],
    });
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(pictureOf(machine.world, container.netns)).toEqual({});
    expect(daemon.openCount()).toBe(3);
  });

  test("on `stopped` with its pid, and not with another's", async () => {
    const { machine, daemon, container } = await attached("veth");
    using _ = daemon;
    expect((await daemon.engine.handle(stoppedEvent(machine, "c1", 4711))).outcome).toBe("unchanged");
    expect((await daemon.engine.handle(stoppedEvent(machine, "c1", container.pid))).outcome).toBe("returned");
  });

  test("on `release`, of one or of all", async () => {
    for (const id of ["c1", null]) {
      const { machine, before, daemon } = await attached("veth");
      using _ = daemon;
      expect(await daemon.engine.handle(releaseEvent(id))).toMatchObject({ outcome: "returned" });
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect((await daemon.engine.handle(releaseEvent(id))).outcome).toBe("unchanged");
    }
  });

  test("once, where exit and `stopped` come together", async () => {
    const { machine, before, daemon, container } = await attached("veth");
    using _ = daemon;
    kill(machine.world, container);
    const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
    expect(["returned", "unchanged"]).toContain(verdict.outcome);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("`stopped` of nobody changes nothing", async () => {
    const { machine, daemon } = await attached("veth");
    using _ = daemon;
    expect(await daemon.engine.handle(stoppedEvent(machine, "c9"))).toMatchObject({
      outcome: "unchanged",
      error: null,
    });
    expect(pictureOf(machine.world, machine.home)).not.toHaveProperty("d0");
  });
});

describe("whatever the container has done to it", () => {
  const deeds: readonly [string, (machine: Machine, link: Link) => void][] = [
    ["renamed", (at, link) => change(at.world, link, { name: "mine" })],
    ["renamed to its own name at home", (at, link) => change(at.world, link, { name: "d0" })],
    ["another MAC", (at, link) => change(at.world, link, { mac: "02:00:00:00:00:77" })],
    ["another name and MAC", (at, link) => change(at.world, link, { name: "x", mac: "02:00:00:00:00:77" })],
    [
      "another MTU, alias, queue and group",
      (at, link) => change(at.world, link, { mtu: 1000, alias: "mine", txqueuelen: 1, group: 9 }),
    ],
    ["down", (at, link) => change(at.world, link, { up: false })],
    ["no addresses", (_, link) => flush(link)],
    ["an address more", (at, link) => addProven(at.world, link, address("192.0.2.9", 24))],
    [
      "an altname less and one more",
      (_, link) => {
        deleteAltname(link, "d0-second");
        addAltname(link, "mine");
      },
    ],
  ];
  for (const kind of ["veth", "hardware", "tap"] as const) {
    for (const [title, deed] of deeds) {
      test(`${kind}: ${title}`, async () => {
        const { machine, before, daemon, container } = await attached(kind);
        using _ = daemon;
        deed(machine, deviceIn(container.netns, "eth1"));
        kill(machine.world, container);
        await daemon.settle();
        expect(pictureOf(machine.world, machine.home)).toEqual(before);
        expect(daemon.log.filter((line) => !line.startsWith("info"))).toEqual([]);
      });
    }
  }

  for (const kind of ["tun", "tap", "ifb", "veth"] as const) {
    test(`${kind}: deleted: it is told as lost, and no other device is taken for it`, async () => {
      const { machine, before, daemon, container } = await attached(kind, kind);
      using _ = daemon;
      deleteLink(machine.world, deviceIn(container.netns, "eth1"));
      kill(machine.world, container);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home).d1).toEqual(before.d1 as never);
      expect(pictureOf(machine.world, machine.home)).not.toHaveProperty("d0");
      expect(daemon.log.join("\n")).toContain("d0 is no more");
      expect(machine.world.namespaces).toHaveLength(1);
      expect(machine.rows.size).toBe(0);
    });
  }

  const onTheWay: readonly [string, (machine: Machine, link: Link) => void][] = [
    ["as it was", () => undefined],
    ["renamed", (at, link) => change(at.world, link, { name: "foreign" })],
    ["another name and MAC", (at, link) => change(at.world, link, { name: "x", mac: "02:00:00:00:00:78" })],
  ];
  for (const [title, deed] of onTheWay) {
    test(`moved on to where nothing leads, ${title}: hardware is told as stuck, and home when it is back`, async () => {
      const { machine, before, daemon, container } = await attached("hardware");
      using _ = daemon;
      const nested = startContainer(machine);
      const link = deviceIn(container.netns, "eth1");
      change(machine.world, link, { target: nested.netns });
      deed(machine, link);
      // By an open file alone.
      hold(nested.netns);
      kill(machine.world, nested);
      kill(machine.world, container);
      await daemon.settle();
      expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck", error: { code: "stuck" } }]);
      letGo(machine.world, nested.netns);
      await daemon.retry();
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
    });
  }
});

describe("the end of a process", () => {
  test("is that of the process that was there, whoever has its pid now", async () => {
    const { machine, before, daemon, container } = await attached("veth");
    const { world } = machine;
    daemon[Symbol.dispose]();
    reap(world, container);
    world.now += 10_000;
    spawn(world, startContainer(machine).netns, { pid: container.pid });
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(world, machine.home)).toEqual(before);
    expect(next.engine.attachments()).toEqual([]);
  });

  test("while devices are being moved undoes the attach", async () => {
    for (let at = 1; at < 30; at++) {
      const machine = machineWith("hardware", "veth", "ifb");
      const { world, home } = machine;
      const before = pictureOf(world, home);
      const container = startContainer(machine);
      let calls = 0;
      const wishes = ["d0", "d1", "d2"].map((name) => ({ match: { name } }));
      using daemon = await startDaemon(machine, {
        mappings: [mappingFor("c1", ...wishes)],
        kernel: (kernel) =>
          new Proxy(kernel, {
            get(target, name) {
              calls += 1;
              if (calls === at) kill(world, container);
              return Reflect.get(target, name);
            },
          }),
      });
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      await daemon.settle();
      kill(world, container);
      await daemon.settle();
      expect(["attached", "failed", "refused"]).toContain(verdict.outcome);
      if (verdict.outcome !== "attached") expect(verdict.error?.code).toBe("process-gone");
      expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
      expect(world.namespaces).toHaveLength(1);
    }
  });
});

test('`on_exit = "leave"`: virtual devices die with the namespace, hardware falls to init_net', async () => {
  const machine = machineWith("hardware", "veth");
  const { world, home } = machine;
  const mapping = mappingFor("c1", { match: { name: "d0" }, name: "eth0" }, { match: { name: "d1" } });
  using daemon = await startDaemon(machine, { mappings: [{ ...mapping, onExit: "leave" }] });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  kill(world, container);
  await daemon.settle();
  expect(Object.keys(pictureOf(world, home))).toEqual(["eth0"]);
  expect(deviceIn(home, "eth0").up).toBe(false);
  expect(daemon.engine.attachments()).toEqual([]);
  expect(daemon.log.filter((line) => line.includes("stays where the container left it"))).toHaveLength(2);
});

test('`on_exit = "leave"`: what is half done when the container ends is undone', async () => {
  for (let turns = 0; turns < 60; turns++) {
    const machine = machineWith("veth", "ifb");
    const before = pictureOf(machine.world, machine.home);
    const both = mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" } });
    using daemon = await startDaemon(machine, { mappings: [{ ...both, onExit: "leave" }] });
    const container = startContainer(machine);
    const verdict = daemon.engine.handle(attachEvent(machine, "c1", container));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    kill(machine.world, container);
    const { outcome, error } = await verdict;
    await daemon.settle();
    if (outcome === "attached") continue;
    expect(error?.code).toBe("process-gone");
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  }
});
