import { describe, expect, test } from "bun:test";
import { linkMessage } from "../../../src/netlink/link.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, isQuestion, type Refuser, refusingSystem } from "../../sim/model/faults.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { pictureOf, withoutNumbers } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { change, deviceIn, KINDS, type Kind, machineWith, startContainer } from "./host.ts";

// While a device was away, somebody took what was its own.

const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];

/** @param isOld of a kernel before 6.2, which renames no device that is up */
async function away(kind: Kind, isOld = false) {
  const machine = machineWith(kind);
  if (isOld) Object.assign(deviceIn(machine.home, "d0").rules, { name: "while down" });
  const before = pictureOf(machine.world, machine.home);
  const daemon = await startDaemon(machine, { mappings });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  return { machine, before, daemon, container };
}

const taken: readonly [string, (machine: Machine) => () => void][] = [
  [
    "name",
    ({ world, home }) => {
      const stranger = addLink(world, home, { name: "d0", kind: "ifb" });
      return () => deleteLink(world, stranger);
    },
  ],
  [
    "name as an altname",
    ({ world, home }) => {
      const stranger = addLink(world, home, { name: "x", kind: "ifb", altnames: ["d0"] });
      return () => deleteLink(world, stranger);
    },
  ],
  [
    "name as an altname that nobody was told of",
    ({ world, home }) => {
      const stranger = addLink(world, home, { name: "x", kind: "ifb" });
      addAltname(stranger, "d0");
      return () => deleteLink(world, stranger);
    },
  ],
  [
    "name and ifindex",
    ({ world, home }) => {
      const stranger = addLink(world, home, { name: "d0", kind: "tun", ifindex: 2 });
      return () => deleteLink(world, stranger);
    },
  ],
];

describe("home under another name, and under its own when that is free", () => {
  const kernels = [false, true].flatMap((isOld) => KINDS.map((kind) => [kind, isOld] as const));
  for (const [kind, isOld] of kernels) {
    for (const [what, take] of taken) {
      if (what.includes("ifindex") && (kind === "macvlan" || kind === "vxlan")) continue;
      test(`${kind}: its ${what} is taken${isOld ? ", before Linux 6.2" : ""}`, async () => {
        const { machine, before, daemon, container } = await away(kind, isOld);
        using _ = daemon;
        const { world, home } = machine;
        const giveBack = take(machine);
        kill(world, container);
        await daemon.settle();
        expect(daemon.engine.attachments()).toMatchObject([
          { state: "stuck", error: { code: "stuck", device: "d0" } },
        ]);
        const meanwhile = pictureOf(world, home).netdevd0;
        expect(meanwhile?.device.altnames).toEqual(before.d0?.device.altnames);
        expect(meanwhile?.addresses).toEqual([...(before.d0?.addresses ?? [])]);
        expect(meanwhile?.device.up).toBe(true);

        // Again and again, as the daemon does it: nothing changes as long as nothing has changed.
        for (let round = 0; round < 3; round++) await daemon.retry();
        expect(pictureOf(world, home).netdevd0).toEqual(meanwhile);
        giveBack();
        await daemon.retry();
        const found = pictureOf(world, home);
        const ifindex = found.d0?.device.ifindex;
        expect(ifindex === before.d0?.device.ifindex).toBe(!what.includes("ifindex"));
        expect(withoutNumbers(found)).toEqual(withoutNumbers(before));
        expect(daemon.engine.attachments()).toEqual([]);
        expect(world.namespaces).toHaveLength(1);
      });
    }
  }

  test("`release` tries it again too", async () => {
    const { machine, before, daemon, container } = await away("veth");
    using _ = daemon;
    const giveBack = taken[0]?.[1](machine);
    kill(machine.world, container);
    await daemon.settle();
    expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("failed");
    giveBack?.();
    expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("so does the next daemon", async () => {
    const { machine, before, daemon, container } = await away("tun");
    const giveBack = taken[0]?.[1](machine);
    kill(machine.world, container);
    await daemon.settle();
    daemon[Symbol.dispose]();
    giveBack?.();
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(next.engine.attachments()).toEqual([]);
  });

  test("it is told once, and not each time that it is tried", async () => {
    const { machine, daemon, container } = await away("veth");
    using _ = daemon;
    taken[0]?.[1](machine);
    kill(machine.world, container);
    await daemon.settle();
    for (let round = 0; round < 5; round++) await daemon.retry();
    expect(daemon.log.filter((line) => line.startsWith("error"))).toHaveLength(1);
  });
});

test("an altname that is taken at home costs the altname alone, and is told", async () => {
  const { machine, before, daemon, container } = await away("veth");
  using _ = daemon;
  const { world, home } = machine;
  const stranger = addLink(world, home, { name: "d0-second", kind: "ifb" });
  kill(world, container);
  await daemon.settle();
  deleteLink(world, stranger);
  expect(deviceIn(home, "d0").altnames).toEqual(["d0-with-a-long-name"]);
  deviceIn(home, "d0").altnames.push("d0-second");
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.log.filter((line) => line.startsWith("warning")).join()).toContain("altname");
});

test("an ifindex that is taken at home costs nothing else", async () => {
  const { machine, before, daemon, container } = await away("ifb");
  using _ = daemon;
  const { world, home } = machine;
  addLink(world, home, { name: "other", kind: "tun", ifindex: before.d0?.device.ifindex ?? 0 });
  kill(world, container);
  await daemon.settle();
  const { other: _other, ...found } = pictureOf(world, home);
  expect(found.d0?.device.ifindex).not.toBe(before.d0?.device.ifindex);
  expect(withoutNumbers(found)).toEqual(withoutNumbers(before));
  expect(daemon.engine.attachments()).toEqual([]);
});

test("its own ifindex is had again though it had another inside", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  using daemon = await startDaemon(machine, { mappings });
  const container = startContainer(machine);
  addLink(world, container.netns, { name: "own", kind: "tun", ifindex: before.d0?.device.ifindex ?? 0 });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(deviceIn(container.netns, "eth1").ifindex).not.toBe(before.d0?.device.ifindex);
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
});

test("what has lost its ifindex is not given that of one that is still to come home", async () => {
  const machine = machineWith("ifb", "ifb");
  const { world, home } = machine;
  const [first, second] = [deviceIn(home, "d0").ifindex, deviceIn(home, "d1").ifindex];
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" } })],
  });
  const container = startContainer(machine);
  // The first one is given the number of the second one inside, and would keep it at home.
  addLink(world, container.netns, { name: "own", kind: "tun", ifindex: first });
  container.netns.nextIfindex = second;
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(deviceIn(container.netns, "d0").ifindex).toBe(second);
  addLink(world, home, { name: "stranger", kind: "tun", ifindex: first });
  kill(world, container);
  await daemon.settle();
  expect(deviceIn(home, "d1").ifindex).toBe(second);
  expect(Object.keys(pictureOf(world, home)).toSorted()).toEqual(["d0", "d1", "stranger"]);
});

test("a driver that says EBUSY once does not cost the ifindex, which is free", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  let refusals = 0;
  const refuser: Refuser = ({ type, payload }) => {
    if (type !== RTM_NEWLINK || linkMessage.decode(payload).values.IFLA_NEW_IFINDEX === undefined)
      return null;
    return refusals++ === 0 ? "EBUSY" : null;
  };
  using daemon = await startDaemon(machine, {
    mappings,
    system: (system) => refusingSystem(system, refuser),
  });
  const container = startContainer(machine);
  addLink(world, container.netns, { name: "own", kind: "tun", ifindex: before.d0?.device.ifindex ?? 0 });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  kill(world, container);
  await daemon.settle();
  expect(refusals).toBe(2);
  expect(pictureOf(world, home)).toEqual(before);
});

test("what is deleted inside while it is led home is not the one at home that has the name it had inside", async () => {
  const machine = machineWith("ifb", "ifb");
  const { world, home } = machine;
  const container = startContainer(machine);
  const refuser: Refuser = ({ type, payload }) => {
    const isMove =
      type === RTM_NEWLINK && linkMessage.decode(payload).values.IFLA_NET_NS_FD !== undefined && isEnding;
    if (!isMove) return null;
    isEnding = false;
    deleteLink(world, deviceIn(container.netns, "d0"));
    return "ENODEV";
  };
  let isEnding = false;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d1" }, name: "d0" })],
    system: (system) => refusingSystem(system, refuser),
  });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const its = pictureOf(world, home);
  isEnding = true;
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(its);
  expect(daemon.engine.attachments()).toEqual([]);
});

test.each([
  ["tun", 1],
  ["tun", 2],
  ["tap", 1],
  ["tap", 2],
] as const)(
  "a %s that was renamed inside, and whose name and number are taken on its way, is known at home, though the daemon is killed after move %d",
  async (kind, killedAfter) => {
    const machine = machineWith(kind);
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const { ifindex } = deviceIn(home, "d0");
    const container = startContainer(machine);
    const fuse = createFuse();
    let moves = Number.NEGATIVE_INFINITY;
    const refuser: Refuser = (request) => {
      const { type, payload } = request;
      if (isQuestion(request) && moves === killedAfter) fuse.burn();
      if (type !== RTM_NEWLINK || linkMessage.decode(payload).values.IFLA_NET_NS_FD === undefined)
        return null;
      moves += 1;
      if (moves === 1) addLink(world, home, { name: "d0", kind: "ifb", ifindex });
      return null;
    };
    const daemon = await startDaemon(machine, {
      mappings,
      fuse,
      system: (system) => refusingSystem(system, refuser),
    });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    change(world, deviceIn(container.netns, "eth1"), { name: "foreign" });
    moves = 0;
    kill(world, container);
    await Promise.race([daemon.settle(), fuse.burnt]);
    daemon[Symbol.dispose]();
    expect(moves).toBe(killedAfter);
    using next = await startDaemon(machine, { mappings });
    await next.settle();
    deleteLink(world, deviceIn(home, "d0"));
    await next.retry();
    await next.settle();
    expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
  },
);

test("a tun whose name and number are another's is known at home, though the kernel refuses to tell once", async () => {
  for (let at = 1, refused = true; refused; at++) {
    const machine = machineWith("tun");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const { ifindex } = deviceIn(home, "d0");
    let questions = Number.NEGATIVE_INFINITY;
    using daemon = await startDaemon(machine, {
      mappings,
      system: (system) =>
        refusingSystem(system, (request) => (isQuestion(request) && ++questions === at ? "ENOBUFS" : null)),
    });
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    const stranger = addLink(world, home, { name: "d0", kind: "ifb", ifindex });
    questions = 0;
    kill(world, container);
    await daemon.settle();
    refused = questions >= at;
    questions = Number.NEGATIVE_INFINITY;
    deleteLink(world, stranger);
    await daemon.retry();
    await daemon.settle();
    expect({ at, home: withoutNumbers(pictureOf(world, home)) }).toEqual({
      at,
      home: withoutNumbers(before),
    });
  }
});

describe("others act on a device that has just come home", () => {
  test("an altname that udev gives it does not keep it from its own name", async () => {
    const { machine, before, daemon, container } = await away("hardware");
    const { world, home } = machine;
    daemon[Symbol.dispose]();
    world.files.clear();
    // Nothing holds the namespace: the kernel returns the device under the name it has inside.
    container.netns.holds -= 1;
    kill(world, container);
    addAltname(deviceIn(home, "eth1"), "d0");
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(world, home)).toEqual(before);
    expect(next.engine.attachments()).toEqual([]);
  });

  test("udev gives it its own name as an altname at whatever two moments, and it takes its name only while it is down", async () => {
    for (let first = 0, isOver = false; !isOver; first++) {
      for (let second = first + 1; ; second++) {
        const { machine, before, daemon, container } = await away("hardware", true);
        const { world, home } = machine;
        daemon[Symbol.dispose]();
        world.files.clear();
        container.netns.holds -= 1;
        kill(world, container);
        const fallen = deviceIn(home, "eth1");
        let changes = 0;
        const udev: Refuser = (request) => {
          if (isQuestion(request)) return null;
          const isNow = changes === first || changes === second;
          changes += 1;
          if (isNow && fallen.name !== "d0" && !fallen.altnames.includes("d0")) addAltname(fallen, "d0");
          return null;
        };
        using next = await startDaemon(machine, {
          mappings,
          system: (system) => refusingSystem(system, udev),
        });
        await next.settle();
        await next.retry();
        await next.settle();
        expect({ first, second, home: pictureOf(world, home) }).toEqual({ first, second, home: before });
        isOver = changes <= second;
        if (isOver) break;
      }
    }
  });

  test("what somebody set on it while the daemon was dead is set back", async () => {
    const { machine, before, daemon, container } = await away("hardware");
    const { world, home } = machine;
    daemon[Symbol.dispose]();
    world.files.clear();
    container.netns.holds -= 1;
    kill(world, container);
    change(world, deviceIn(home, "eth1"), { up: true, mtu: 1500, mac: "02:00:00:00:00:99" });
    using next = await startDaemon(machine, { mappings });
    expect(pictureOf(world, home)).toEqual(before);
    expect(next.engine.attachments()).toEqual([]);
  });
});

test("a device of the container's own, of the same kind and under the name that ours had, is not taken for it", async () => {
  const machine = machineWith("ifb");
  const before = pictureOf(machine.world, machine.home);
  // An ifb takes no other MAC: the step is refused once the device is inside.
  const wish = mappingFor("c1", { match: { name: "d0" }, name: "eth1", mac: "02:00:00:00:00:aa" });
  using daemon = await startDaemon(machine, { mappings: [wish] });
  const container = startContainer(machine);
  addLink(machine.world, container.netns, { name: "d0", kind: "ifb", alias: "its own" });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed" } });
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(pictureOf(machine.world, container.netns)).toMatchObject({ d0: { device: { alias: "its own" } } });
});

test("a tun that is called as we call what has no name of its own is not taken for ours", async () => {
  const machine = machineWith("tun", "tun");
  const { world, home } = machine;
  using daemon = await startDaemon(machine, { mappings });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  change(world, deviceIn(home, "d1"), { name: "netdevd0" });
  const others = withoutNumbers(pictureOf(world, home));
  deleteLink(world, deviceIn(container.netns, "eth1"));
  await daemon.engine.handle(releaseEvent("c1"));
  expect(withoutNumbers(pictureOf(world, home))).toEqual(others);
});

for (let effects = 1; effects < 20; effects++) {
  test(`a tun whose name and number are taken is known at home whenever its daemon was killed on the way: at ${effects}`, async () => {
    const { machine, before, daemon, container } = await away("tun");
    const { world, home } = machine;
    daemon[Symbol.dispose]();
    const stranger = addLink(world, home, {
      name: "d0",
      kind: "ifb",
      ifindex: before.d0?.device.ifindex ?? 0,
    });
    kill(world, container);
    (await startDaemon(machine, { mappings, fuse: createFuse(effects) }))[Symbol.dispose]();
    using next = await startDaemon(machine, { mappings });
    deleteLink(world, stranger);
    await next.retry();
    expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
    expect(next.engine.attachments()).toEqual([]);
  });
}
