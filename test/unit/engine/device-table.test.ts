import { describe, expect, test } from "bun:test";
import { createDeviceTable } from "../../../src/engine/device-table.ts";
import { readDevices } from "../../../src/engine/reader.ts";
import { connect } from "../../../src/netlink/connection.ts";
import { encodeMessage } from "../../../src/netlink/message.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { createMonitor } from "../../sim/model/notifications.ts";
import { integer, randomFrom } from "../../sim/model/random.ts";
import { Refusal } from "../../sim/model/refusal.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { createSystem } from "../../sim/model/system.ts";
import { createWorld } from "../../sim/model/world.ts";
import { addDevice, change, deviceIn } from "./host.ts";

/** A host, the table of its devices, and a monitor that holds `capacity` notifications. */
function scene(capacity: number) {
  const world = createWorld(randomFrom(1));
  const home = addNamespace(world);
  const other = addNamespace(world);
  other.holds = 1;
  const connection = connect(createSystem(world, home).home());
  let dumps = 0;
  let isRefused = false;
  const refuse = (now: boolean) => {
    isRefused = now;
  };
  const counted = {
    ...connection,
    dump(request: Parameters<typeof connection.dump>[0]) {
      if (isRefused) throw new Error("refused");
      dumps += 1;
      return connection.dump(request);
    },
  };
  const monitor = createMonitor(capacity);
  home.monitors.add(monitor);
  const table = createDeviceTable(counted, { fd: 0, next: monitor.next, [Symbol.dispose]: () => undefined });
  const names = () => Array.from(table.devices.values(), ({ name }) => name);
  return { world, home, other, monitor, table, names, connection, refuse, dumps: () => dumps };
}

test("what is there at first is dumped once, and what comes is told", () => {
  const { world, home, other, table, names, dumps } = scene(100);
  expect(names()).toEqual(["lo"]);
  const d0 = addDevice(world, home, "veth", "d0");
  expect(names()).toEqual(["lo"]);
  table.refresh();
  expect(names()).toEqual(["lo", "d0", "d0-far"]);
  change(world, d0, { name: "d1", mtu: 1300, up: true });
  addAltname(d0, "alt");
  table.refresh();
  expect(table.devices.get(d0.ifindex)).toMatchObject({ name: "d1", mtu: 1300, altnames: ["alt"] });
  change(world, d0, { target: other });
  table.refresh();
  expect(names()).toEqual(["lo", "d0-far"]);
  deleteLink(world, deviceIn(home, "d0-far"));
  table.refresh();
  expect(names()).toEqual(["lo"]);
  expect(dumps()).toBe(1);
});

describe("the number that a device has got where it went", () => {
  test("is told as long as it is away", () => {
    const { world, home, other, table } = scene(100);
    const d0 = addDevice(world, home, "veth", "d0");
    const { ifindex } = d0;
    addLink(world, other, { name: "x", kind: "ifb", ifindex });
    change(world, d0, { target: other });
    table.refresh();
    expect(table.departed(ifindex)).toBe(d0.ifindex);
    expect(table.left("d0")?.ifindex).toBe(d0.ifindex);
    change(world, d0, { target: home, newIfindex: ifindex });
    table.refresh();
    expect(table.departed(ifindex)).toBeNull();
    expect(table.left("d0")).toBeNull();
  });

  test("is forgotten with an overrun: it may have come and gone again since", () => {
    const { world, home, other, table } = scene(4);
    const d0 = addDevice(world, home, "veth", "d0");
    const { ifindex } = d0;
    table.refresh();
    change(world, d0, { target: other });
    table.refresh();
    expect(table.departed(ifindex)).toBe(d0.ifindex);
    for (let at = 0; at < 10; at++) addLink(world, home, { name: `i${at}`, kind: "ifb" });
    table.refresh();
    expect(table.departed(ifindex)).toBeNull();
    expect(table.left("d0")).toBeNull();
  });
});

describe("after an overrun", () => {
  test("all is dumped anew", () => {
    const { world, home, table, names, dumps } = scene(3);
    for (let at = 0; at < 10; at++) addLink(world, home, { name: `d${at}`, kind: "ifb" });
    deleteLink(world, deviceIn(home, "d0"));
    table.refresh();
    expect(names()).toEqual(["lo", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9"]);
    expect(dumps()).toBe(2);
    addLink(world, home, { name: "later", kind: "ifb" });
    table.refresh();
    expect(names()).toContain("later");
    expect(dumps()).toBe(2);
  });

  test("and the dump is refused, whoever asks next has it asked again", () => {
    const { world, home, table, names, refuse } = scene(1);
    for (const name of ["d0", "d1", "d2"]) addLink(world, home, { name, kind: "ifb" });
    refuse(true);
    expect(() => table.refresh()).toThrow("refused");
    expect(() => table.refresh()).toThrow("refused");
    refuse(false);
    expect(table.refresh()).toBe(true);
    expect(names()).toEqual(["lo", "d0", "d1", "d2"]);
  });

  test("what was queued before it is not taken for newer than the dump", () => {
    const { world, home, table, names } = scene(2);
    const d0 = addLink(world, home, { name: "d0", kind: "ifb" });
    for (const name of ["a", "b", "c"]) change(world, d0, { name });
    deleteLink(world, d0);
    table.refresh();
    expect(names()).toEqual(["lo"]);
  });
});

test("whatever happens, after a refresh the table is what a dump tells", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomFrom(seed);
    const { world, home, other, table, connection } = scene(1 + integer(random, 12));
    for (let step = 0; step < 40; step++) {
      const links = Array.from(home.links.values()).filter(({ name }) => name !== "lo");
      const link = links[integer(random, links.length)];
      try {
        if (link === undefined || integer(random, 4) === 0)
          addLink(world, home, { name: `d${step}`, kind: "ifb" });
        else if (integer(random, 3) === 0) change(world, link, { name: `r${step}`, up: !link.up });
        else if (integer(random, 2) === 0) deleteLink(world, link);
        else change(world, link, { target: other });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
      if (integer(random, 5) > 0) continue;
      table.refresh();
      const told = Array.from(table.devices.values()).toSorted((a, b) => a.ifindex - b.ifindex);
      expect({ seed, step, told }).toEqual({ seed, step, told: readDevices(connection) });
    }
  }
});

test("what cannot be read has everything dumped anew; a port's notification is passed over", () => {
  const { world, home, monitor, table, names, dumps } = scene(100);
  addLink(world, home, { name: "d0", kind: "ifb" });
  const AF_BRIDGE = 7;
  const port = new Uint8Array(16);
  port[0] = AF_BRIDGE;
  const told = { type: RTM_NEWLINK, flags: 0, sequence: 0, port: 0 };
  monitor.deliver(encodeMessage({ ...told, payload: port }));
  table.refresh();
  expect(names()).toEqual(["lo", "d0"]);
  expect(dumps()).toBe(1);
  monitor.deliver(encodeMessage({ ...told, payload: new Uint8Array(16) }));
  table.refresh();
  expect(names()).toEqual(["lo", "d0"]);
  expect(dumps()).toBe(2);
});

test("the number that a device has got where it went is told, until one comes that has its old one", () => {
  const { world, home, other, table } = scene(100);
  const d0 = addDevice(world, home, "ifb", "d0");
  const number = d0.ifindex;
  addLink(world, other, { name: "x", kind: "ifb", ifindex: number });
  table.refresh();
  expect(table.departed(number)).toBeNull();
  change(world, d0, { target: other });
  table.refresh();
  expect(table.departed(number)).toBe(d0.ifindex);
  expect(d0.ifindex).not.toBe(number);
  deleteLink(world, addLink(world, home, { name: "d1", kind: "ifb", ifindex: number }));
  table.refresh();
  expect(table.departed(number)).toBeNull();
});
