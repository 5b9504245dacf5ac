import { expect, test } from "bun:test";
import type { NamespaceSocket, System } from "../../../src/engine/system.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { addLink, deleteLink, pair } from "../../sim/model/links.ts";
import { pictureOf, withoutNumbers } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { change, deviceIn, machineWith, startContainer } from "./host.ts";

// A card may be unplugged at any time: between two questions about it too.

/** `system` with `act` called before each datagram that is sent at home. */
function spied(system: System, act: () => void): System {
  const spy = (socket: NamespaceSocket): NamespaceSocket => ({
    ...socket,
    cookie: () => socket.cookie(),
    receive: () => socket.receive(),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
    send(datagram) {
      act();
      socket.send(datagram);
    },
  });
  return { ...system, home: () => spy(system.home()) };
}

test("unplugged at any point of an attach it is told as missing, and the rest is as it was", async () => {
  const seen = new Set<string | undefined>();
  for (let at = 1; at < 30; at++) {
    const machine = machineWith("hardware", "veth");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    let left = Number.POSITIVE_INFINITY;
    const wishes = [{ match: { name: "d1" } }, { match: { name: "d0" }, name: "eth1" }];
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", ...wishes)],
      system: (system) =>
        spied(system, () => {
          left -= 1;
          if (left === 0) deleteLink(world, deviceIn(home, "d0"));
        }),
    });
    const container = startContainer(machine);
    left = at;
    const { outcome, error } = await daemon.engine.handle(attachEvent(machine, "c1", container));
    await daemon.settle();
    seen.add(error?.code);
    if (outcome === "attached") continue;
    expect({ at, code: error?.code, message: error?.message }).toEqual({
      at,
      code: expect.not.stringContaining("internal"),
      message: expect.stringContaining("d0"),
    });
    const { d0: _, ...rest } = before;
    expect(pictureOf(world, home)).toEqual(rest);
  }
  expect(seen).toContain("device-missing");
});

test("unplugged inside for good it holds no dead container's namespace, and is known when it is plugged in again", async () => {
  const machine = machineWith("hardware", "veth");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("c1", { match: { name: "d0" }, name: "eth1" }, { match: { name: "d1" }, name: "eth2" }),
    ],
  });
  const container = startContainer(machine);
  const own = addLink(world, container.netns, { name: "eth0", kind: "veth", up: true });
  pair(own, addLink(world, home, { name: "own-far", kind: "veth", up: true }));
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const card = deviceIn(container.netns, "eth1");
  const { parentBus, parentDev, permanentMac, driver } = card;
  deleteLink(world, card);
  kill(world, container);
  await daemon.settle();
  for (let round = 0; round < 3; round++) await daemon.retry();
  const { d0: _, ...rest } = before;
  expect(pictureOf(world, home)).toEqual(rest);
  expect(daemon.heldCookies()).toEqual([]);
  expect(world.namespaces).toHaveLength(1);
  expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck", error: { device: "d0" } }]);

  addLink(world, home, {
    name: "enp1s0",
    kind: null,
    parentBus,
    parentDev,
    permanentMac,
    mac: permanentMac,
    driver,
  });
  await daemon.retry();
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
  expect(daemon.engine.attachments()).toEqual([]);
});

test("unplugged inside while its container lives it holds the namespace like the others", async () => {
  const machine = machineWith("hardware", "veth");
  const { world } = machine;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })],
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  deleteLink(world, deviceIn(container.netns, "eth1"));
  await daemon.engine.handle(releaseEvent("c1"));
  expect(daemon.heldCookies()).toHaveLength(1);
  kill(world, container);
  await daemon.settle();
  expect(daemon.heldCookies()).toEqual([]);
  expect(world.namespaces).toHaveLength(1);
});

for (const kind of ["hardware", "veth"] as const) {
  test(`${kind}: not found where there is too much to look at, it may be there still`, async () => {
    const machine = machineWith(kind);
    const { world } = machine;
    let isTooMuch = true;
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", { match: { name: "d0" }, name: "eth1" })],
      kernel: (kernel) => ({
        ...kernel,
        follow: async (...args) => (isTooMuch ? { ok: false, seen: null } : await kernel.follow(...args)),
      }),
    });
    const container = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    const nested = startContainer(machine);
    change(world, deviceIn(container.netns, "eth1"), { target: nested.netns });
    deleteLink(world, deviceIn(nested.netns, "eth1"));
    kill(world, container);
    await daemon.settle();
    for (let round = 0; round < 2; round++) await daemon.retry();
    expect(daemon.engine.attachments()).toMatchObject([
      { state: "stuck", error: { code: "stuck", message: expect.stringContaining("not found yet") } },
    ]);
    // A virtual device has been followed.
    expect(daemon.heldCookies()).toHaveLength(kind === "hardware" ? 1 : 2);
    isTooMuch = false;
    await daemon.retry();
    expect(daemon.heldCookies()).toEqual([]);
    expect(daemon.engine.attachments()).toHaveLength(kind === "hardware" ? 1 : 0);
  });
}
