import { expect, test } from "bun:test";
import type { System } from "../../../src/engine/system.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addNamespace, hold, letGo } from "../../sim/model/lifetime.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { randomFrom } from "../../sim/model/random.ts";
import { createWorld } from "../../sim/model/world.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { addDevice, change, deviceIn, furnish, startContainer } from "./host.ts";

// The kernel sends hardware whose namespace dies to init_net. Here that is not where netdevd was started.

const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];

async function fallen(system?: (system: System) => System) {
  const world = createWorld(randomFrom(1));
  const initial = addNamespace(world);
  const home = addNamespace(world);
  hold(home);
  const machine: Machine = { world, home, rows: new Map(), returned: new Map() };
  furnish(world, addDevice(world, home, "hardware", "d0"));
  const before = pictureOf(world, home);
  const daemon = await startDaemon(machine, { mappings, ...(system ? { system } : {}) });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const nested = startContainer(machine);
  const link = deviceIn(container.netns, "eth1");
  change(world, link, { target: nested.netns });
  change(world, link, { mac: "02:00:00:00:00:77", name: "foreign" });
  // Held by an open file alone, where nothing leads to it.
  hold(nested.netns);
  kill(world, nested);
  kill(world, container);
  await daemon.settle();
  letGo(world, nested.netns);
  expect(Object.keys(pictureOf(world, initial))).toEqual(["foreign"]);
  return { machine, initial, before, daemon };
}

test("hardware that fell to init_net is fetched from there", async () => {
  const { machine, initial, before, daemon } = await fallen();
  using _ = daemon;
  await daemon.retry();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(pictureOf(machine.world, initial)).toEqual({});
  expect(daemon.engine.attachments()).toEqual([]);
  expect(daemon.openCount()).toBe(3);
});

test("where init_net cannot be entered that is told, and tried again", async () => {
  let closed = true;
  const { machine, before, daemon } = await fallen((system) => ({
    ...system,
    openNamespace: (path) => (closed && path === "/proc/1/ns/net" ? "nothing" : system.openNamespace(path)),
  }));
  using _ = daemon;
  await daemon.retry();
  const [attachment] = daemon.engine.attachments();
  expect(attachment).toMatchObject({ state: "stuck", devices: [{ state: "stuck" }] });
  expect(attachment?.error?.message).toContain("d0 is neither on the host nor in the container's namespace");
  expect(attachment?.error?.message).toContain("; init_net: ");
  closed = false;
  await daemon.retry();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("what cannot be fetched from init_net is told with its name there", async () => {
  const { initial, daemon } = await fallen();
  using _ = daemon;
  Object.assign(deviceIn(initial, "foreign").rules, { immutable: true });
  await daemon.retry();
  const open = daemon.openCount();
  const [attachment] = daemon.engine.attachments();
  expect(attachment?.error?.message).toMatch(/^d0 is in init_net as foreign: .*netns is immutable/);
  await daemon.retry();
  expect(daemon.openCount()).toBe(open);
});
