import { expect, test } from "bun:test";
import type { System } from "../../../src/engine/system.ts";
import { RTM_GETNSID } from "../../../src/netlink/uapi.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { isQuestion, refusingSystem } from "../../sim/model/faults.ts";
import { addNamespace, hold } from "../../sim/model/lifetime.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import type { Namespace } from "../../sim/model/namespaces.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill, spawn } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, stoppedEvent } from "./events.ts";
import { change, deviceIn, KINDS, type Kind, machineWith, startContainer } from "./host.ts";

// Whoever is inside may move a device on, into a namespace of its own making. It is followed for as long as the
// kernel lets us; where it does not, it is told where it went.

/** struct rtgenmsg (linux/rtnetlink.h), padded: without attributes behind it all namespaces are asked for. */
const RTGENMSG_SIZE = 4;

const mappings = [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })];

/** A container that has d0 as eth1, and a namespace made by it with a process in it. */
async function attached(kind: Kind, system = (one: System): System => one) {
  const machine = machineWith(kind);
  const before = pictureOf(machine.world, machine.home);
  const daemon = await startDaemon(machine, { mappings, system });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const nested = addNamespace(machine.world);
  return { machine, before, daemon, container, nested, inhabitant: spawn(machine.world, nested) };
}

function moveOn({ world }: Machine, from: Namespace, name: string, to: Namespace, newName = name): void {
  change(world, deviceIn(from, name), { target: to });
  change(world, deviceIn(to, name), { name: newName, up: true });
}

for (const kind of KINDS) {
  if (kind === "tun") continue;
  test(`${kind}: moved on and renamed there, it comes home from there`, async () => {
    const { machine, before, daemon, container, nested, inhabitant } = await attached(kind);
    using _ = daemon;
    const { world, home } = machine;
    moveOn(machine, container.netns, "eth1", nested, "mine");
    const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
    expect(verdict).toMatchObject({ outcome: "returned", devices: [{ host_name: "d0" }], error: null });
    expect(pictureOf(world, home)).toEqual(before);
    kill(world, container);
    kill(world, inhabitant);
    expect(world.namespaces).toHaveLength(1);
    expect(daemon.openCount()).toBe(3);
  });
}

test("moved on and on, it comes home from there", async () => {
  const { machine, before, daemon, container, nested } = await attached("veth");
  using _ = daemon;
  const { world, home } = machine;
  const deeper = addNamespace(world);
  spawn(world, deeper);
  moveOn(machine, container.netns, "eth1", nested);
  moveOn(machine, nested, "eth1", deeper);
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
});

test("where nothing leads there it is stuck, told with where it went, and home as soon as something does", async () => {
  const { machine, before, daemon, container, nested, inhabitant } = await attached("veth");
  using _ = daemon;
  const { world, home } = machine;
  moveOn(machine, container.netns, "eth1", nested, "mine");
  // Somebody holds it by an open file alone.
  hold(nested);
  kill(world, inhabitant);
  kill(world, container);
  await daemon.settle();
  expect(daemon.engine.attachments()).toMatchObject([
    { state: "stuck", error: { code: "stuck", device: "d0" } },
  ]);
  expect(daemon.log.join("\n")).toContain("is called mine there");
  expect(Object.keys(pictureOf(world, nested))).toEqual(["mine"]);
  spawn(world, nested);
  await daemon.retry();
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
});

test("moved on while it is led home, it comes home from there", async () => {
  const machine = machineWith("veth");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const nested = addNamespace(world);
  spawn(world, nested);
  let isMoved = false;
  const daemon = await startDaemon(machine, {
    mappings,
    system: (system) =>
      refusingSystem(system, (request) => {
        // The first change on the way home comes too late.
        if (isMoved || isQuestion(request) || !container.netns.links.has(device.ifindex)) return null;
        isMoved = true;
        change(world, device, { target: nested });
        return null;
      }),
  });
  using _ = daemon;
  const device = deviceIn(home, "d0");
  const container = startContainer(machine);
  isMoved = true;
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  isMoved = false;
  const verdict = await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(isMoved).toBe(true);
  expect(verdict).toMatchObject({ outcome: "returned", devices: [{ host_name: "d0" }] });
  expect(pictureOf(world, home)).toEqual(before);
});

test("no namespace is held on where the kernel does not tell its number", async () => {
  const { machine, before, daemon, container, nested } = await attached("veth", (system) =>
    refusingSystem(system, ({ type, payload }) => {
      if (type !== RTM_GETNSID || payload.length <= RTGENMSG_SIZE || refusals === 0) return null;
      refusals -= 1;
      return "ENOBUFS";
    }),
  );
  let refusals = 1;
  using _ = daemon;
  const { world, home } = machine;
  moveOn(machine, container.netns, "eth1", nested);
  kill(world, container);
  await daemon.settle();
  expect(refusals).toBe(0);
  await daemon.retry();
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.openCount()).toBe(3);
  expect(daemon.heldCookies()).toEqual([]);
});

test("another device of that kind and name where it might be is not taken for it", async () => {
  const { machine, daemon, container, nested } = await attached("veth");
  using _ = daemon;
  const { world } = machine;
  // It is no more, and its namespace has to do with another that has one just like it.
  moveOn(machine, container.netns, "eth1", nested);
  deleteLink(world, deviceIn(nested, "eth1"));
  addLink(world, nested, { name: "eth1", kind: "veth", ifindex: 77, mac: "02:00:00:00:00:99" });
  addLink(world, container.netns, { name: "own", kind: "ifb" });
  kill(world, container);
  await daemon.settle();
  expect(Object.keys(pictureOf(world, nested))).toEqual(["eth1"]);
  expect(daemon.engine.attachments()).toEqual([]);
  expect(daemon.log.join("\n")).toContain("d0 is no more");
});

test("hardware that fell home comes to nobody else before it is what it was", async () => {
  const machine = machineWith("hardware");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const daemon = await startDaemon(machine, {
    mappings: [...mappings, mappingFor("c2", { match: { name: "eth1" } })],
  });
  using _ = daemon;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const device = deviceIn(container.netns, "eth1");
  // Where it is nobody's any more the kernel sends it home, under the name that it has.
  const verdict = daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine)));
  change(world, device, { target: home });
  expect(await verdict).toMatchObject({ outcome: "refused", error: { code: "device-held" } });
  await daemon.settle();
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(pictureOf(world, home)).toEqual(before);
});

test("a namespace that it may be in and that the kernel does not let us look into is looked into again", async () => {
  for (let at = 1, refused = true; refused; at++) {
    const { machine, before, daemon, container, nested } = await attached("veth");
    const { world, home } = machine;
    daemon[Symbol.dispose]();
    moveOn(machine, container.netns, "eth1", nested, "mine");
    kill(world, container);
    let questions = 0;
    const system = (one: System) =>
      refusingSystem(one, (request) => (isQuestion(request) && ++questions === at ? "ENOBUFS" : null));
    const next = await startDaemon(machine, { mappings, system }).catch(() => null);
    refused = questions >= at;
    // As the service manager starts it again.
    using running = next ?? (await startDaemon(machine, { mappings }));
    await running.retry();
    await running.settle();
    expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
  }
});
