import { expect, test } from "bun:test";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { KernelError } from "../../../src/engine/kernel.ts";
import type { System } from "../../../src/engine/system.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, isQuestion, refusingSystem } from "../../sim/model/faults.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { addLink, deleteLink, pair } from "../../sim/model/links.ts";
import { linkNamed } from "../../sim/model/namespaces.ts";
import { pictureOf, withoutNumbers } from "../../sim/model/picture.ts";
import { kill, spawn } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import { addDevice, change, deviceIn, emptyMachine, furnish, machineWith, startContainer } from "./host.ts";

// Devices that are alike are not taken for one another.

/** The daemon is killed as soon as the device of c1 is inside as eth1, and nobody has looked at it there. */
async function killedBehindTheMove(
  machine: Machine,
  mappings: readonly Mapping[],
  container: ReturnType<typeof startContainer>,
): Promise<void> {
  for (let at = 1; linkNamed(container.netns, "eth1") === null; at++) {
    const fuse = createFuse(at);
    using daemon = await startDaemon(machine, { mappings, fuse });
    await Promise.race([daemon.engine.handle(attachEvent(machine, "c1", container)), fuse.burnt]);
  }
}

test("a tun that is gone is not the other one that the container has called as it was", async () => {
  const machine = machineWith("tun", "tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("c1", { match: { name: "d0" }, name: "net0" }, { match: { name: "d1" }, name: "net1" }),
    ],
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  deleteLink(world, deviceIn(container.netns, "net0"));
  change(world, deviceIn(container.netns, "net1"), { name: "net0" });
  const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(verdict.devices.map(({ host_name }) => host_name)).toEqual(["d1"]);
  expect(pictureOf(world, home)).toMatchObject({ d1: before.d1 ?? {} });
});

test("a tun at home is not the one of its name that was moved on", async () => {
  const machine = machineWith("tun");
  const { world, home } = machine;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" }, name: "net0" })],
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  // Home has a number in the container's namespace from here on.
  change(world, addDevice(world, container.netns, "tun", "own"), { target: home });
  change(world, deviceIn(home, "own"), { name: "net0" });
  const nested = addNamespace(world);
  const inhabitant = spawn(world, nested);
  change(world, deviceIn(container.netns, "net0"), { target: nested });
  deleteLink(world, deviceIn(nested, "net0"));
  kill(world, container);
  await daemon.settle();
  expect(Object.keys(pictureOf(world, home))).toEqual(["net0"]);
  expect(daemon.engine.attachments()).toEqual([]);
  expect(daemon.log.join("\n")).toContain("d0 is no more");
  kill(world, inhabitant);
});

test("what is home under its number and name, with a MAC that nobody has seen, is given back what it had", async () => {
  const machine = machineWith("tap");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];
  const container = startContainer(machine);
  {
    using daemon = await startDaemon(machine, { mappings });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
  }
  // As it is where the daemon dies right behind the move, before which somebody inside was quicker.
  const link = deviceIn(container.netns, "eth1");
  change(world, link, { mac: "02:00:00:00:00:99" });
  change(world, link, { target: home, name: "d0" });
  kill(world, container);
  using _ = await startDaemon(machine, { mappings });
  expect(pictureOf(world, home)).toEqual(before);
});

test("a tun that comes to be at home under the name of one that was moved on is left alone", async () => {
  const machine = machineWith("tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "net0" })];
  const container = startContainer(machine);
  {
    using daemon = await startDaemon(machine, { mappings });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
  }
  const nested = addNamespace(world);
  spawn(world, nested);
  change(world, deviceIn(container.netns, "net0"), { target: nested });
  const stranger = addDevice(world, home, "tun", "d0");
  const its = pictureOf(world, home);
  using daemon = await startDaemon(machine, { mappings });
  expect(daemon.engine.attachments()).toMatchObject([{ state: "attached" }]);
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toMatchObject(its);
  deleteLink(world, stranger);
  await daemon.retry();
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
});

test("a stranger at home with the name and the number of one that was moved on is left alone", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1", mtu: 1280 })];
  const container = startContainer(machine);
  const { ifindex } = deviceIn(home, "d0");
  await killedBehindTheMove(machine, mappings, container);
  const nested = addNamespace(world);
  spawn(world, nested);
  change(world, deviceIn(container.netns, "eth1"), { target: nested });
  const stranger = addLink(world, home, { name: "d0", kind: "ifb", ifindex });
  const its = pictureOf(world, home);
  using daemon = await startDaemon(machine, { mappings });
  expect(pictureOf(world, home)).toEqual(its);
  deleteLink(world, stranger);
  kill(world, container);
  await daemon.settle();
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
});

test("ports of one switch, of one place and without a MAC of their own, are known by their names", async () => {
  const machine = emptyMachine();
  const { world, home } = machine;
  for (const name of ["p0", "p1", "p2"]) {
    const port = addLink(world, home, { name, kind: null, parentBus: "pci", parentDev: "0000:03:00.0" });
    furnish(world, port);
  }
  const before = pictureOf(world, home);
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "p2" }, name: "eth1" })],
  });
  const container = startContainer(machine);
  addLink(world, container.netns, { name: "own", kind: "ifb", ifindex: deviceIn(home, "p2").ifindex });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  // As the kernel sends it home: with the name and the number that it had inside.
  change(world, deviceIn(container.netns, "eth1"), { target: home });
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
});

for (const changed of [{ mac: "02:00:00:00:00:77" }, { name: "eth7" }]) {
  const [what] = Object.keys(changed);
  test(`given another ${what} before anybody looked, where its number was taken, it is known by what it has kept`, async () => {
    const machine = machineWith("veth");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const container = startContainer(machine);
    const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];
    // From the move on nobody can look.
    const blind = (system: System) =>
      refusingSystem(system, (request) =>
        isQuestion(request) && container.netns.links.size === 3 ? "ENOBUFS" : null,
      );
    addLink(world, container.netns, { name: "own", kind: "ifb", ifindex: deviceIn(home, "d0").ifindex });
    {
      using daemon = await startDaemon(machine, { mappings, system: blind });
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict.outcome).toBe("failed");
    }
    change(world, deviceIn(container.netns, "eth1"), changed);
    using daemon = await startDaemon(machine, { mappings });
    await daemon.settle();
    expect(pictureOf(world, home)).toEqual(before);
  });
}

test("what was deleted inside before anybody looked is not the container's own of its number", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const container = startContainer(machine);
  const own = addLink(world, container.netns, {
    name: "own",
    kind: "ifb",
    ifindex: deviceIn(home, "d0").ifindex,
  });
  const { mac } = own;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })],
    system: (system) =>
      refusingSystem(system, (request) => {
        const device = linkNamed(container.netns, "eth1");
        if (device !== null && isQuestion(request)) deleteLink(world, device);
        return null;
      }),
  });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(verdict.outcome).toBe("failed");
  expect(pictureOf(world, home)).toEqual({});
  expect(pictureOf(world, container.netns)).toMatchObject({ own: { device: { mac } } });
});

test("what was renamed inside before anybody looked is not a stranger at home of its name and number", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];
  const { ifindex } = deviceIn(home, "d0");
  addLink(world, container.netns, { name: "own", kind: "veth", ifindex });
  await killedBehindTheMove(machine, mappings, container);
  change(world, deviceIn(container.netns, "eth1"), { name: "eth7" });
  const stranger = addLink(world, home, { name: "d0", kind: "ifb", ifindex });
  const { mac } = stranger;
  using next = await startDaemon(machine, { mappings });
  await next.settle();
  expect(stranger.mac).toBe(mac);
  deleteLink(world, stranger);
  await next.retry();
  await next.engine.handle(releaseEvent(null));
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
});

for (let effects = 1; effects < 16; effects++) {
  test(`a number that was freed inside is the next one's, and no more of the one that is gone: killed at ${effects}`, async () => {
    const machine = machineWith("ifb", "ifb");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const container = startContainer(machine);
    const [first, second] = [deviceIn(home, "d0"), deviceIn(home, "d1")];
    addLink(world, container.netns, { name: "own", kind: "ifb", ifindex: first.ifindex });
    const mappings = ["d0", "d1"].map((name, at) => mappingFor(`c${at}`, { match: { name } }));
    {
      using daemon = await startDaemon(machine, { mappings });
      await daemon.engine.handle(attachEvent(machine, "c0", container));
    }
    deleteLink(world, first);
    {
      const fuse = createFuse(effects);
      using daemon = await startDaemon(machine, { mappings, fuse });
      await Promise.race([daemon.engine.handle(attachEvent(machine, "c1", container)), fuse.burnt]);
    }
    if (second.namespace !== home) expect(second.ifindex).toBe(3);
    kill(world, container);
    using next = await startDaemon(machine, { mappings });
    await next.settle();
    await next.retry();
    expect(pictureOf(world, home)).toMatchObject({ d1: before.d1 ?? {} });
    expect(next.engine.attachments()).toEqual([]);
  });
}

test("what was moved on before anybody looked is not the container's own of its number", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];
  const { ifindex } = deviceIn(home, "d0");
  await killedBehindTheMove(machine, mappings, container);
  const nested = addNamespace(world);
  spawn(world, nested);
  change(world, deviceIn(container.netns, "eth1"), { target: nested });
  const own = addLink(world, container.netns, { name: "own", kind: "ifb", ifindex });
  using next = await startDaemon(machine, { mappings });
  await next.settle();
  await next.engine.handle(releaseEvent(null));
  expect(own.namespace).toBe(container.netns);
  expect(pictureOf(world, home)).toEqual(before);
});

test("a tun that was renamed inside is not gone because the kernel does not let it go home at once", async () => {
  const machine = machineWith("tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  let refusals = 0;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" }, name: "net0" })],
    system: (system) =>
      refusingSystem(system, (request) => {
        if (refusals === 0 || isQuestion(request)) return null;
        refusals -= 1;
        return "EBUSY";
      }),
  });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  change(world, deviceIn(container.netns, "net0"), { name: "mine" });
  refusals = 4;
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  refusals = 0;
  await daemon.retry();
  expect(pictureOf(world, home)).toEqual(before);
});

test("a tun that the container calls as the next one is to be called is itself all the same", async () => {
  const machine = machineWith("tun", "tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  let moves = 0;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" }, name: "eth1" })],
    kernel: (own) => ({
      ...own,
      async apply(...args) {
        moves += 1;
        if (moves === 2) {
          change(world, deviceIn(container.netns, "d0"), { name: "eth1" });
          // An altname of the next one, which does not move then.
          addLink(world, container.netns, { name: "d1-second", kind: "ifb" });
        }
        return await own.apply(...args);
      },
    }),
  });
  expect((await daemon.engine.handle(attachEvent(machine, "c1", container))).outcome).toBe("failed");
  expect(pictureOf(world, home)).toEqual(before);
});

test("a tun that had to keep its name inside, where another one has the name that was asked for, is not that one", async () => {
  const mappings = [mappingFor("c1", { match: { name: "d1" }, name: "eth1" })];
  let isMoved = false;
  for (let at = 1; !isMoved && at < 20; at++) {
    const machine = machineWith("tun", "tun");
    const { world, home } = machine;
    const container = startContainer(machine);
    const fuse = createFuse(at);
    const system = (own: System) =>
      refusingSystem(own, ({ type }) => {
        // The container's runtime moves another one there meanwhile.
        if (type === RTM_NEWLINK && linkNamed(container.netns, "eth1") === null) {
          change(world, deviceIn(home, "d0"), { target: container.netns });
          change(world, deviceIn(container.netns, "d0"), { name: "eth1" });
        }
        return null;
      });
    const daemon = await startDaemon(machine, { mappings, fuse, system });
    await Promise.race([daemon.engine.handle(attachEvent(machine, "c1", container)), fuse.burnt]);
    daemon[Symbol.dispose]();
    isMoved = linkNamed(container.netns, "d1") !== null;
    using next = await startDaemon(machine, { mappings });
    expect(next.engine.attachments()).toEqual([]);
    const inside = linkNamed(container.netns, "eth1") === null ? [] : ["eth1"];
    expect({ at, inside: Object.keys(pictureOf(world, container.netns)) }).toEqual({ at, inside });
    expect(linkNamed(home, "d1")?.altnames).toEqual(["d1-second", "d1-with-a-long-name"]);
  }
  expect(isMoved).toBe(true);
});

test("one that the container has called as another one while that is led home is not that one", async () => {
  const machine = machineWith("tun", "tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  let isEnding = false;
  const system = (own: System) =>
    refusingSystem(own, ({ type, payload }) => {
      const isMove = type === RTM_NEWLINK && linkMessage.decode(payload).values.IFLA_NET_NS_FD !== undefined;
      if (!isMove || !isEnding) return null;
      isEnding = false;
      deleteLink(world, deviceIn(container.netns, "net0"));
      change(world, deviceIn(container.netns, "net1"), { name: "net0" });
      return "ENODEV";
    });
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("c1", { match: { name: "d0" }, name: "net0" }, { match: { name: "d1" }, name: "net1" }),
    ],
    system,
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  isEnding = true;
  kill(world, container);
  await daemon.settle();
  const left = Object.entries(before).filter(([name]) => name === "d1");
  expect(Object.entries(pictureOf(world, home))).toEqual(left);
  expect(daemon.engine.attachments()).toEqual([]);
});

test("a tun whose number was freed inside is not the next one, which got it and which nobody has seen there", async () => {
  const machine = machineWith("tun", "tun");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const number = deviceIn(home, "d1").ifindex;
  addLink(world, container.netns, { name: "own", kind: "ifb", ifindex: deviceIn(home, "d0").ifindex });
  container.netns.nextIfindex = number;
  const mappings = [
    mappingFor("c1", { match: { name: "d0" }, name: "net0" }, { match: { name: "d1" }, name: "net1" }),
  ];
  const fuse = createFuse();
  let moves = 0;
  const daemon = await startDaemon(machine, {
    mappings,
    fuse,
    system: (system) =>
      refusingSystem(system, ({ type, payload }) => {
        const isMove =
          type === RTM_NEWLINK && linkMessage.decode(payload).values.IFLA_NET_NS_FD !== undefined;
        if (isMove) moves += 1;
        if (isMove && moves === 2) {
          deleteLink(world, deviceIn(container.netns, "net0"));
          fuse.burn();
        }
        return null;
      }),
  });
  await Promise.race([daemon.engine.handle(attachEvent(machine, "c1", container)), fuse.burnt]);
  daemon[Symbol.dispose]();
  expect(deviceIn(container.netns, "net1").ifindex).toBe(number);
  using next = await startDaemon(machine, { mappings });
  expect(pictureOf(world, home).d1).toEqual(before.d1);
  expect(Object.keys(pictureOf(world, home))).toEqual(["d1"]);
  expect(next.log.join("\n")).toContain("d0 is no more");
});

test("the number that it had in an earlier container is another's in this one", async () => {
  const machine = machineWith("veth");
  const { world, home } = machine;
  let strike: (() => void) | null = null;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })],
    kernel: (kernel) => ({
      ...kernel,
      async apply(...args) {
        if (strike === null) return kernel.apply(...args);
        strike();
        strike = null;
        throw new KernelError("Cannot allocate memory");
      },
    }),
  });
  const d0 = deviceIn(home, "d0");
  const first = startContainer(machine);
  addLink(world, first.netns, { name: "x", kind: "ifb", ifindex: d0.ifindex });
  await daemon.engine.handle(attachEvent(machine, "c1", first));
  const { ifindex } = deviceIn(first.netns, "eth1");
  kill(world, first);
  await daemon.settle();

  const second = startContainer(machine);
  const own = addLink(world, second.netns, { name: "eth0", kind: "veth", ifindex, up: true });
  pair(own, addLink(world, home, { name: "own-far", kind: "veth", up: true }));
  const before = pictureOf(world, second.netns);
  strike = () => change(world, d0, { mac: "02:00:00:00:00:77" });
  await daemon.engine.handle(attachEvent(machine, "c2", second));
  await daemon.settle();
  expect(pictureOf(world, second.netns)).toEqual(before);
  expect(d0.namespace).toBe(home);
});
