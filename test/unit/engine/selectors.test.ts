import { expect, test } from "bun:test";
import type { System } from "../../../src/engine/system.ts";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addLink } from "../../sim/model/links.ts";
import { kill } from "../../sim/model/processes.ts";
import { requestOf, selectorOf } from "../domain/samples.ts";
import { attachEvent, mappingFor, type Wish } from "./events.ts";
import { change, deviceIn, emptyMachine, machineWith, startContainer } from "./host.ts";

// What no rtnetlink message tells: the PCI device, the driver, and of which PF a device is a VF.

/** A host as a server with SR-IOV has it: a PF with two VFs, a virtio NIC, one of neither, and a veth. */
function server(): Machine {
  const machine = machineWith("veth");
  const nic = (name: string, pci: string, more: { driver: string; physfn?: string; altnames?: string[] }) =>
    addLink(machine.world, machine.home, { name, kind: null, parentBus: "pci", parentDev: pci, ...more });
  nic("ens1f0", "0000:01:00.0", { driver: "igb", altnames: ["enp1s0f0"] });
  nic("ens1f0v0", "0000:01:10.0", { driver: "igbvf", physfn: "0000:01:00.0" });
  nic("ens1f0v1", "0000:01:10.4", { driver: "igbvf", physfn: "0000:01:00.0" });
  nic("ens2", "0000:02:00.0", { driver: "e1000e" });
  addLink(machine.world, machine.home, {
    name: "ens3",
    kind: null,
    parentBus: "virtio",
    parentDev: "virtio0",
    pci: "0000:00:03.0",
    driver: "virtio_net",
  });
  return machine;
}

async function attach(machine: Machine, daemon: Daemon, id = "c1") {
  const container = startContainer(machine);
  const verdict = await daemon.engine.handle(attachEvent(machine, id, container));
  return { container, verdict, names: verdict.devices.map(({ host_name }) => host_name) };
}

const picks: [wish: Wish, names: string[]][] = [
  [{ match: { pci: "0000:02:00.0" } }, ["ens2"]],
  [{ match: { pci: "0000:00:03.0" } }, ["ens3"]],
  [{ match: { driver: "virtio_net" } }, ["ens3"]],
  [{ match: { driver: "igb*" }, count: "all" }, ["ens1f0", "ens1f0v0", "ens1f0v1"]],
  [{ match: { driver: "veth", name: "d0" } }, ["d0"]],
  [{ match: { pf: "ens1f0" }, count: 2 }, ["ens1f0v0", "ens1f0v1"]],
  [{ match: { pf: "enp1*" } }, ["ens1f0v0"]],
  [{ match: { pf: "0000:01:00.0", name: "*v1" } }, ["ens1f0v1"]],
  [{ match: { pf: "*", driver: "igbvf", pci: "0000:01:10.4" } }, ["ens1f0v1"]],
];

test.each(picks)("%j takes %j", async (wish, names) => {
  const machine = server();
  using daemon = await startDaemon(machine, { mappings: [mappingFor("c*", wish)] });
  expect((await attach(machine, daemon)).names).toEqual(names);
});

test("whoever takes a PF is told of its virtual functions", async () => {
  using daemon = await startDaemon(server(), { mappings: [] });
  const losses = (name: string) => {
    const requests = [requestOf({ match: selectorOf({ name }) })];
    const query = { requests, reserved: [], away: [], noteHardware: false, tellAll: true };
    return daemon.service.survey(null, query).picks.flatMap((pick) => pick.losses?.flat());
  };
  expect(losses("ens1f0")).toEqual([
    expect.stringContaining("ens1f0v0, which is a virtual function of it"),
    expect.stringContaining("ens1f0v1, which is a virtual function of it"),
  ]);
  expect(losses("ens1f0v0")).toEqual([]);
  expect(losses("ens2")).toEqual([]);
});

test.each([
  [{ match: { pci: "0000:03:00.0" } }],
  [{ match: { pci: "0000:02:00.0", driver: "igb" } }],
  [{ match: { driver: "IGB" } }],
  [{ match: { pf: "ens2" } }],
  [{ match: { pf: "0000:02:00.0" } }],
  [{ match: { pf: "*", name: "d0" } }],
] as [Wish][])("%j is for no device here", async (wish) => {
  const machine = server();
  using daemon = await startDaemon(machine, { mappings: [mappingFor("c*", wish)] });
  const { verdict } = await attach(machine, daemon);
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-missing" } });
});

test("all that were passed over are named with the reason", async () => {
  const machine = machineWith("ifb", "ifb", "ifb", "ifb");
  deviceIn(machine.home, "d1").defaultRoutes.push("inet");
  const wishes = [{ match: { name: "d2" } }, { match: { name: "d*" }, count: 3 }] as const;
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("first", { match: { name: "d0" } }), mappingFor("c*", ...wishes)],
  });
  await attach(machine, daemon, "first");
  const { error } = (await attach(machine, daemon)).verdict;
  expect(error?.code).toBe("too-few-devices");
  expect(error?.message).toContain('1 of 3 devices with name = "d*" are to be had');
  expect(error?.message).toContain("d0 is held by container first");
  expect(error?.message).toContain("d1 is not given away: it carries a default route");
  expect(error?.message).toContain("d2 is taken by another entry of the same mapping");
});

test("of several that are free the first in natural order of name are taken", async () => {
  const machine = emptyMachine();
  for (const name of ["eth10", "eth9", "eth1", "eth2"])
    addLink(machine.world, machine.home, { name, kind: "ifb" });
  const wish = { match: { name: "eth*" }, count: 3, name: "net%d" };
  using daemon = await startDaemon(machine, { mappings: [mappingFor("c*", wish)] });
  const { verdict } = await attach(machine, daemon);
  expect(verdict.devices.map(({ host_name, name }) => [host_name, name])).toEqual([
    ["eth1", "net0"],
    ["eth2", "net1"],
    ["eth9", "net2"],
  ]);
});

test.each([{ pci: "0000:00:03.0" }, { driver: "virtio_net" }])(
  "a device that is away is known by %j: told as held, and waited for on its way home",
  async (match) => {
    const machine = server();
    using daemon = await startDaemon(machine, { mappings: [mappingFor("c*", { match, name: "eth0" })] });
    const first = await attach(machine, daemon);
    expect((await attach(machine, daemon, "c2")).verdict.error).toMatchObject({
      code: "device-held",
      device: "ens3",
    });
    kill(machine.world, first.container);
    expect((await attach(machine, daemon, "c3")).names).toEqual(["ens3"]);
  },
);

test("a VF is known by its PF also while the PF is in a container, and after the daemon was killed", async () => {
  const machine = server();
  const mappings = [
    mappingFor("pf", { match: { name: "ens1f0" } }),
    mappingFor("vf*", { match: { pf: "ens1f0" }, count: 2, name: "eth%d" }),
  ];
  const before = await startDaemon(machine, { mappings });
  const pf = await attach(machine, before, "pf");
  change(machine.world, deviceIn(pf.container.netns, "ens1f0"), { name: "other" });
  before[Symbol.dispose]();
  using daemon = await startDaemon(machine, { mappings });
  expect((await attach(machine, daemon, "vf1")).names).toEqual(["ens1f0v0", "ens1f0v1"]);
  const { error } = (await attach(machine, daemon, "vf2")).verdict;
  expect(error?.code).toBe("too-few-devices");
  expect(error?.message).toContain("ens1f0v0 is held by container vf1");
});

/** A System that notes each question to a bus or a driver. */
function listening(system: System, asked: string[]): System {
  const noting =
    <T>(what: string, ask: (of: string) => T) =>
    (of: string): T => {
      asked.push(`${what} ${of}`);
      return ask(of);
    };
  return {
    ...system,
    home() {
      const home = system.home();
      return { ...home, driver: noting("driver", home.driver) };
    },
    virtioParent: noting("parent", system.virtioParent),
    physicalFunction: noting("physfn", system.physicalFunction),
  };
}

test("where no mapping goes by them, neither buses nor drivers are asked", async () => {
  const machine = server();
  const asked: string[] = [];
  const mappings = [mappingFor("c*", { match: { name: "ens*", kind: "*" }, count: "all" })];
  using daemon = await startDaemon(machine, { mappings, system: (system) => listening(system, asked) });
  expect((await attach(machine, daemon)).names).toHaveLength(5);
  await daemon.engine.handle({ type: "release", name: "r", id: null });
  expect(asked).toEqual([]);
});

test("where one does, only what it leaves open is asked", async () => {
  const machine = emptyMachine();
  for (let at = 0; at < 1000; at++) {
    const pci = `0000:${(at >> 5).toString(16).padStart(2, "0")}:${(at & 31).toString(16).padStart(2, "0")}.0`;
    addLink(machine.world, machine.home, { name: `n${at}`, kind: null, parentBus: "pci", parentDev: pci });
  }
  const asked: string[] = [];
  const mappings = [mappingFor("c*", { match: { pci: "0000:01:02.0" } })];
  using daemon = await startDaemon(machine, { mappings, system: (system) => listening(system, asked) });
  expect((await attach(machine, daemon)).names).toEqual(["n34"]);
  expect(asked).toEqual(["physfn 0000:01:02.0", "driver n34"]);
});
