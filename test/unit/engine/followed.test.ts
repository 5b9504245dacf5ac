import { expect, test } from "bun:test";
import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { type Daemon, type DaemonOptions, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, isQuestion, refusingSystem } from "../../sim/model/faults.ts";
import { addNamespace, hold } from "../../sim/model/lifetime.ts";
import { addLink } from "../../sim/model/links.ts";
import { attachmentsOf } from "../../sim/model/memory-journal.ts";
import { linkNamed, type Namespace } from "../../sim/model/namespaces.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { pinOf } from "../../sim/model/pins.ts";
import { kill, type Process, spawn } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { change, deviceIn, KINDS, type Kind, machineWith, startContainer } from "./host.ts";

// A namespace that a container has made ends with it, and so does a virtual device that was moved on to there: it is
// held from the moment on in which a device goes there. Whatever dies, in whatever order, the device comes home.

/** A machine whose container has all its devices, and two namespaces made by that with a process in each. */
interface Scene {
  readonly machine: Machine;
  readonly mapping: Mapping;
  readonly before: ReturnType<typeof pictureOf>;
  readonly inside: Namespace;
  readonly nested: Namespace;
  readonly deeper: Namespace;
  readonly processes: readonly Process[];
}

async function attached(
  kinds: readonly Kind[],
  options: Partial<DaemonOptions> & { readonly onExit?: Mapping["onExit"] } = {},
): Promise<{ scene: Scene; daemon: Daemon }> {
  const machine = machineWith(...kinds);
  const { world, home } = machine;
  const wishes = kinds.map((_, at) => ({ match: { name: `d${at}` } }));
  const mapping: Mapping = { ...mappingFor("c1", ...wishes), onExit: options.onExit ?? "return" };
  const before = pictureOf(world, home);
  const daemon = await startDaemon(machine, { mappings: [mapping], ...options });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const [nested, deeper] = [addNamespace(world), addNamespace(world)];
  const processes = [container, spawn(world, nested), spawn(world, deeper)];
  return { scene: { machine, mapping, before, inside: container.netns, nested, deeper, processes }, daemon };
}

function move({ machine }: Scene, name: string, from: Namespace, to: Namespace): void {
  change(machine.world, deviceIn(from, name), { target: to });
}

/** All in one moment, what is nested before what it is nested in. */
function killAll({ machine, processes }: Scene): void {
  for (const process of processes.toReversed()) kill(machine.world, process);
}

async function next({ machine, mapping }: Scene, daemon: Daemon): Promise<Daemon> {
  daemon[Symbol.dispose]();
  return await startDaemon(machine, { mappings: [mapping] });
}

/** All is as it was, and nothing is kept. */
async function expectHome({ machine, before }: Scene, daemon: Daemon): Promise<void> {
  await daemon.settle();
  const { world, home } = machine;
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
  expect(world.namespaces).toHaveLength(1);
  expect(Array.from(world.files.keys())).toEqual([]);
  expect(daemon.openCount()).toBe(3);
}

function namespaceOfD0({ machine, inside, nested, deeper }: Scene): Namespace {
  const found = [machine.home, inside, nested, deeper].find((one) => linkNamed(one, "d0") !== null);
  if (found === undefined) throw new Error("d0 is no more");
  return found;
}

const movedTo = (daemon: Daemon) =>
  daemon.engine.attachments().flatMap(({ devices }) => devices.map((device) => device.movedTo));

for (const kind of KINDS) {
  if (kind === "hardware") continue;
  test(`${kind}: moved on, renamed there, and everything is killed at once`, async () => {
    const { scene, daemon } = await attached([kind]);
    using _ = daemon;
    const { machine, inside, nested } = scene;
    move(scene, "d0", inside, nested);
    await daemon.settle();
    change(machine.world, deviceIn(nested, "d0"), { name: "mine", up: true });
    expect(movedTo(daemon)).toEqual([String(nested.cookie)]);
    expect(attachmentsOf(machine.rows)).toEqual([...daemon.engine.attachments()]);
    killAll(scene);
    await expectHome(scene, daemon);
  });

  test(`${kind}: moved on twice with nothing in between, and everything is killed at once`, async () => {
    const { scene, daemon } = await attached([kind]);
    using _ = daemon;
    const { inside, nested, deeper } = scene;
    move(scene, "d0", inside, nested);
    await Promise.resolve();
    move(scene, "d0", nested, deeper);
    await daemon.settle();
    expect(movedTo(daemon)).toEqual([String(deeper.cookie)]);
    expect(daemon.heldCookies()).toEqual([String(inside.cookie), String(deeper.cookie)]);
    killAll(scene);
    await expectHome(scene, daemon);
  });
}

test("moved on twice while it is looked for on the way home, the last of which ends: it is held, and comes home", async () => {
  const looks: (() => Promise<void>)[] = [];
  const inTurn = async <T>(call: () => Promise<T>) => {
    const result = await call();
    await looks.shift()?.();
    return result;
  };
  const { scene, daemon } = await attached(["veth"], {
    kernel: (own) => ({
      ...own,
      locate: (...args) => inTurn(() => own.locate(...args)),
      follow: (...args) => inTurn(() => own.follow(...args)),
    }),
  });
  using _ = daemon;
  const { machine, inside, nested, deeper, processes } = scene;
  const told = async () => {
    for (let turns = 50; turns > 0; turns--) await Promise.resolve();
  };
  looks.push(
    async () => {
      move(scene, "d0", inside, nested);
      await told();
    },
    // Not home, it is followed to where it is no more by then.
    told,
    async () => {
      move(scene, "d0", nested, deeper);
      await told();
      for (const one of processes) if (one.namespace === deeper) kill(machine.world, one);
      await told();
    },
  );
  const { outcome, warnings } = await daemon.engine.handle(releaseEvent("c1"));
  expect({ outcome, warnings }).toEqual({ outcome: "returned", warnings: [] });
  killAll(scene);
  await expectHome(scene, daemon);
});

test("moved on and back again, it is where it was, and nothing else is held", async () => {
  const { scene, daemon } = await attached(["veth"]);
  using _ = daemon;
  const { inside, nested } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  move(scene, "d0", nested, inside);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([null]);
  expect(daemon.heldCookies()).toEqual([String(inside.cookie)]);
  killAll(scene);
  await expectHome(scene, daemon);
});

test("two devices in one namespace: it is held until the last of them is home", async () => {
  const { scene, daemon } = await attached(["veth", "ifb"]);
  using _ = daemon;
  const { machine, inside, nested } = scene;
  move(scene, "d0", inside, nested);
  move(scene, "d1", inside, nested);
  await daemon.settle();
  // Something is in the way of the first.
  const blocker = addLink(machine.world, machine.home, { name: "d0", kind: "ifb" });
  killAll(scene);
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home).d1).toEqual(scene.before.d1);
  change(machine.world, blocker, { name: "x0" });
  await daemon.retry();
  expect(pictureOf(machine.world, machine.home).d0).toEqual(scene.before.d0);
  expect(machine.world.namespaces).toHaveLength(1);
  expect(daemon.openCount()).toBe(3);
});

test("a daemon that is killed behind it: all else dies too, and the next one brings it home", async () => {
  const { scene, daemon } = await attached(["veth"]);
  const { inside, nested } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  daemon[Symbol.dispose]();
  killAll(scene);
  using after = await next(scene, daemon);
  await expectHome(scene, after);
});

test("moved on while no daemon runs: the next one takes hold of where it is", async () => {
  const { scene, daemon } = await attached(["veth"]);
  const { inside, nested } = scene;
  daemon[Symbol.dispose]();
  move(scene, "d0", inside, nested);
  using after = await next(scene, daemon);
  expect(movedTo(after)).toEqual([String(nested.cookie)]);
  killAll(scene);
  await expectHome(scene, after);
});

test("moved on again while no daemon runs: the next one takes hold of where it is", async () => {
  const { scene, daemon } = await attached(["veth"]);
  const { inside, nested, deeper } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  daemon[Symbol.dispose]();
  move(scene, "d0", nested, deeper);
  using after = await next(scene, daemon);
  expect(movedTo(after)).toEqual([String(deeper.cookie)]);
  expect(after.heldCookies()).toEqual([String(inside.cookie), String(deeper.cookie)]);
  killAll(scene);
  await expectHome(scene, after);
});

test("a daemon killed at each of its effects on the way: all else dies before or behind the next start", async () => {
  const rehearsal = createFuse();
  const rehearsed = await attached(["veth"], { fuse: rehearsal });
  rehearsed.daemon[Symbol.dispose]();
  const begun = rehearsal.effects;
  let killed = 0;
  for (let at = begun + 1, isDone = false; !isDone; at++) {
    for (const hasNext of [true, false]) {
      const fuse = createFuse(at);
      const { scene, daemon } = await attached(["veth"], { fuse });
      const { inside, nested, deeper } = scene;
      move(scene, "d0", inside, nested);
      await Promise.race([daemon.settle(), fuse.burnt]);
      const moves = fuse.isBurnt ? 1 : 2;
      if (!fuse.isBurnt) move(scene, "d0", nested, deeper);
      await Promise.race([daemon.settle(), fuse.burnt]);
      isDone = !fuse.isBurnt;
      if (fuse.isBurnt) killed += 1;
      daemon[Symbol.dispose]();
      // Where it died before it could pin, nobody holds the namespace until the next one looks.
      const isPinned = scene.machine.world.files.has(pinOf(namespaceOfD0(scene)));
      const told = daemon.log.filter((line) => line.includes("moved on inside to another")).length;
      expect({ at, isPinned: isPinned || told < moves }).toEqual({ at, isPinned: true });
      if (!hasNext && isPinned) killAll(scene);
      using after = await next(scene, daemon);
      killAll(scene);
      await expectHome(scene, after);
    }
  }
  expect(killed).toBeGreaterThan(10);
});

test("hardware is left to the kernel, which sends it home when the namespace ends", async () => {
  const { scene, daemon } = await attached(["hardware"]);
  using _ = daemon;
  const { inside, nested } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([null]);
  expect(daemon.heldCookies()).toEqual([String(inside.cookie)]);
  killAll(scene);
  await expectHome(scene, daemon);
});

test('`on_exit = "leave"`: what it is moved on to is nobody\'s business', async () => {
  const { scene, daemon } = await attached(["veth"], { onExit: "leave" });
  using _ = daemon;
  const { inside, nested } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  expect(daemon.heldCookies()).toEqual([String(inside.cookie)]);
});

test("what a container does with devices of its own is let go of", async () => {
  const { scene, daemon } = await attached(["veth"]);
  using _ = daemon;
  const { machine, inside, nested } = scene;
  addLink(machine.world, inside, { name: "own", kind: "ifb" });
  move(scene, "own", inside, nested);
  await daemon.settle();
  expect(daemon.heldCookies()).toEqual([String(inside.cookie)]);
  killAll(scene);
  await expectHome(scene, daemon);
});

test("more moves than the socket's buffer holds: the devices are looked for", async () => {
  const { scene, daemon } = await attached(["veth", "ifb", "macvlan"]);
  using _ = daemon;
  const { inside, nested, deeper } = scene;
  scene.machine.world.monitorCapacity = 1;
  move(scene, "d0", inside, nested);
  move(scene, "d1", inside, nested);
  move(scene, "d2", inside, deeper);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([nested, nested, deeper].map(({ cookie }) => String(cookie)));
  killAll(scene);
  await expectHome(scene, daemon);
});

test("where nothing leads, that is told at once, and it is held as soon as something does", async () => {
  const { scene, daemon } = await attached(["veth"]);
  using _ = daemon;
  const { machine, inside } = scene;
  const { world } = machine;
  // Somebody holds it by an open file alone.
  const hidden = addNamespace(world);
  hold(hidden);
  move(scene, "d0", inside, hidden);
  await daemon.settle();
  const warnings = () => daemon.engine.attachments().flatMap((one) => one.warnings.map((w) => w.message));
  expect(warnings()).toEqual([expect.stringContaining("d0 was moved on to a namespace that neither")]);
  await daemon.engine.audit();
  expect(warnings()).toHaveLength(1);

  const visitor = spawn(world, hidden);
  await daemon.engine.audit();
  expect(warnings()).toEqual([]);
  expect(movedTo(daemon)).toEqual([String(hidden.cookie)]);
  kill(world, visitor);
  hidden.holds -= 1;
  killAll(scene);
  await expectHome(scene, daemon);
});

test("where the kernel does not let us look it is looked for again", async () => {
  let refuses = false;
  const { scene, daemon } = await attached(["veth"], {
    system: (system) =>
      refusingSystem(system, (request) => (refuses && isQuestion(request) ? "ENOMEM" : null)),
  });
  using _ = daemon;
  const { inside, nested } = scene;
  refuses = true;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([null]);
  expect(daemon.log.join("\n")).toContain("d0 could not be looked for inside, and is looked for again: ");
  refuses = false;
  await daemon.engine.audit();
  expect(movedTo(daemon)).toEqual([String(nested.cookie)]);
  killAll(scene);
  await expectHome(scene, daemon);
});

test("`release` brings it home while everybody lives", async () => {
  const { scene, daemon } = await attached(["veth"]);
  using _ = daemon;
  const { inside, nested } = scene;
  move(scene, "d0", inside, nested);
  await daemon.settle();
  expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
  expect(pictureOf(scene.machine.world, scene.machine.home)).toEqual(scene.before);
  expect(daemon.heldCookies()).toEqual([]);
});

test("given another MAC, and moved on in the moment in which it is released: it comes home from where it was told to be", async () => {
  const { scene, daemon } = await attached(["macvlan"]);
  using _ = daemon;
  const { machine, before, inside, nested } = scene;
  change(machine.world, deviceIn(inside, "d0"), { mac: "02:00:00:00:00:99" });
  const released = daemon.engine.handle(releaseEvent("c1"));
  move(scene, "d0", inside, nested);
  expect((await released).outcome).toBe("returned");
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(daemon.heldCookies()).toEqual([]);
  expect(daemon.openCount()).toBe(3);
});

test("moved on while no daemon runs, and the next one cannot look at first: it is held as soon as it can", async () => {
  const { scene, daemon } = await attached(["tun"]);
  const { machine, mapping, inside, nested } = scene;
  daemon[Symbol.dispose]();
  move(scene, "d0", inside, nested);
  let isShort = true;
  using after = await startDaemon(machine, {
    mappings: [mapping],
    system: (system) => ({
      ...system,
      openPidfd(pid) {
        if (isShort) throw new SyscallError("pidfd_open", constants.errno.EMFILE);
        return system.openPidfd(pid);
      },
    }),
  });
  expect(movedTo(after)).toEqual([null]);
  isShort = false;
  await after.retry();
  expect(movedTo(after)).toEqual([String(nested.cookie)]);
  killAll(scene);
  await expectHome(scene, after);
});

test("where nobody can listen that is told, and it is followed on the way home", async () => {
  const { scene, daemon } = await attached(["veth"], {
    system: (system) => ({
      ...system,
      departures: () => {
        throw new SyscallError("socket", constants.errno.EMFILE, "AF_NETLINK");
      },
    }),
  });
  using _ = daemon;
  const { machine, inside, nested } = scene;
  expect(daemon.log).toContain(
    "warning: what is moved on from the namespace is not followed at once, but on the way home: socket AF_NETLINK: EMFILE: too many open files",
  );
  move(scene, "d0", inside, nested);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([null]);
  expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
  expect(pictureOf(machine.world, machine.home)).toEqual(scene.before);
});

test("a number that one of the container's own left with, and ours has by now, is not ours leaving", async () => {
  const { scene, daemon } = await attached(["veth"]);
  using _ = daemon;
  const { machine, nested, inside, before } = scene;
  const { world, home } = machine;
  const { ifindex } = deviceIn(inside, "d0");
  const [, process] = scene.processes;
  const opened = daemon.service.open({ by: "pid", pid: process?.pid ?? 0 }, world.now);
  if (!opened.ok) throw new Error(opened.problem.message);
  if (opened.process !== null) daemon.service.unwatch(opened.process.watch);
  const { cookie } = opened;
  await daemon.engine.departed({
    type: "departed",
    from: String(inside.cookie),
    ifindex,
    to: { cookie, ifindex: 9 },
  });
  expect(daemon.engine.attachments()).toMatchObject([
    { devices: [{ movedTo: null, insideIfindex: ifindex }] },
  ]);
  expect(daemon.heldCookies()).not.toContain(String(nested.cookie));
  killAll(scene);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
});

test("a number that ours left with, and one of the container's own of its name has by now, is ours leaving", async () => {
  const { scene, daemon } = await attached(["ifb"]);
  using _ = daemon;
  const { machine, nested, inside, before } = scene;
  const { world, home } = machine;
  const { ifindex } = deviceIn(inside, "d0");
  change(world, deviceIn(inside, "d0"), { target: nested });
  const { mac } = addLink(world, inside, { name: "d0", kind: "ifb", ifindex });
  await daemon.settle();
  expect(daemon.engine.attachments()).toMatchObject([{ devices: [{ movedTo: String(nested.cookie) }] }]);
  expect(pictureOf(world, inside)).toMatchObject({ d0: { device: { mac } } });
  killAll(scene);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
});

test("moved on while no daemon runs, and its number and name taken by one of the container's own: that one stays", async () => {
  const { scene, daemon } = await attached(["ifb"]);
  const { machine, mapping, nested, inside, before } = scene;
  const { world, home } = machine;
  const { ifindex } = deviceIn(inside, "d0");
  daemon[Symbol.dispose]();
  change(world, deviceIn(inside, "d0"), { target: nested });
  addLink(world, inside, { name: "d0", kind: "ifb", ifindex });
  using after = await startDaemon(machine, { mappings: [mapping] });
  await after.settle();
  expect(movedTo(after)).toEqual([String(nested.cookie)]);
  killAll(scene);
  await after.settle();
  expect(pictureOf(world, home)).toEqual(before);
});

test("one that was taken to have been moved on, and never was, comes home from where it is", async () => {
  const { scene, daemon } = await attached(["veth"]);
  const { machine, nested, before } = scene;
  const { world, home, rows } = machine;
  daemon[Symbol.dispose]();
  const [[key, row] = [0, null]] = rows;
  if (row === null) throw new Error("nothing is on record");
  const [device = "{}"] = row.devices;
  const movedTo = String(nested.cookie);
  rows.set(key, { ...row, devices: [JSON.stringify({ ...JSON.parse(device), movedTo, insideIfindex: 9 })] });
  killAll(scene);
  using _ = await startDaemon(machine, { mappings: [scene.mapping] });
  expect(pictureOf(world, home)).toEqual(before);
});

test("moved on as soon as it is inside, and another one of ours has its number next: it is held all the same", async () => {
  const machine = machineWith("ifb", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const inside = container.netns;
  const nested = addNamespace(world);
  const inhabitant = spawn(world, nested);
  const number = deviceIn(home, "d1").ifindex;
  addLink(world, inside, { name: "own", kind: "tun", ifindex: deviceIn(home, "d0").ifindex });
  inside.nextIfindex = number;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" } })],
    kernel: (own) => ({
      ...own,
      async apply(...args) {
        const applied = await own.apply(...args);
        const first = linkNamed(inside, "d0");
        if (first !== null) {
          expect(first.ifindex).toBe(number);
          change(world, first, { target: nested });
        }
        return applied;
      },
    }),
  });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(deviceIn(inside, "d1").ifindex).toBe(number);
  await daemon.settle();
  expect(movedTo(daemon)).toEqual([String(nested.cookie), null]);
  kill(world, inhabitant);
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
  expect(world.namespaces).toHaveLength(1);
});
