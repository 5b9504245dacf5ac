import { expect, test } from "bun:test";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { unevenKernel } from "../../sim/model/faults.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { pictureOf, withoutNumbers } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { randomFrom } from "../../sim/model/random.ts";
import { attachEvent, mappingFor, stoppedEvent } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

// One device that two containers want.

const mappings = [
  mappingFor("c*", { match: { name: "d0" }, name: "eth1" }),
  mappingFor("all*", { match: { name: "d?" }, count: "all" }),
  mappingFor("kind*", { match: { kind: "ifb" } }),
];

const attach = (machine: Machine, daemon: Daemon, id: string, container = startContainer(machine)) =>
  daemon.engine.handle(attachEvent(machine, id, container));

test("the second is refused while the first has it, and told who has it", async () => {
  const machine = machineWith("veth");
  using daemon = await startDaemon(machine, { mappings });
  await attach(machine, daemon, "c1");
  const open = daemon.openCount();
  const verdict = await attach(machine, daemon, "c2");
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-held", device: "d0" } });
  expect(verdict.error?.message).toContain("container c1");
  expect(daemon.openCount()).toBe(open);
});

test("of two that come at once one has it, and the other is told", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const machine = machineWith("veth");
    const random = randomFrom(seed);
    using daemon = await startDaemon(machine, { mappings, kernel: (kernel) => unevenKernel(kernel, random) });
    const verdicts = await Promise.all([attach(machine, daemon, "c1"), attach(machine, daemon, "c2")]);
    expect(verdicts.map(({ outcome }) => outcome).toSorted()).toEqual(["attached", "refused"]);
    expect(verdicts.find(({ outcome }) => outcome === "refused")?.error?.code).toBe("device-held");
  }
});

test("two that want different devices of a kind both have one", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const machine = machineWith("ifb", "ifb");
    const random = randomFrom(seed);
    using daemon = await startDaemon(machine, { mappings, kernel: (kernel) => unevenKernel(kernel, random) });
    const verdicts = await Promise.all([attach(machine, daemon, "kind1"), attach(machine, daemon, "kind2")]);
    const names = verdicts.flatMap(({ devices }) => devices.map(({ host_name }) => host_name));
    expect(names.toSorted()).toEqual(["d0", "d1"]);
  }
});

test("an attach waits for a device that is on its way home", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const machine = machineWith("veth", "hardware", "ifb");
    const before = pictureOf(machine.world, machine.home);
    const random = randomFrom(seed);
    using daemon = await startDaemon(machine, { mappings, kernel: (kernel) => unevenKernel(kernel, random) });
    const first = startContainer(machine);
    await attach(machine, daemon, "all1", first);
    const coming =
      seed % 2 === 0 ? daemon.engine.handle(stoppedEvent(machine, "all1")) : kill(machine.world, first);
    const next = startContainer(machine);
    const verdict = await attach(machine, daemon, "all2", next);
    expect(verdict.devices.map(({ host_name }) => host_name)).toEqual(["d0", "d1", "d2"]);
    await coming;
    kill(machine.world, next);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  }
});

test("an attach takes over a device that another one fails to keep", async () => {
  const machine = machineWith("ifb", "veth");
  // An ifb cannot be given another MAC, and the kernel says so when d1 is inside already.
  const failing = mappingFor(
    "f",
    { match: { name: "d1" } },
    { match: { name: "d0" }, mac: "02:00:00:00:00:01" },
  );
  using daemon = await startDaemon(machine, {
    mappings: [failing, mappingFor("c1", { match: { name: "d1" } })],
  });
  const [failed, attached] = await Promise.all([attach(machine, daemon, "f"), attach(machine, daemon, "c1")]);
  expect(failed).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d0" } });
  expect(attached).toMatchObject({ outcome: "attached", error: null });
});

test("a device that is home under another name, because it is stuck, is nobody else's", async () => {
  const machine = machineWith("ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const mac = deviceIn(home, "d0").mac;
  const byMac = mappingFor("m", { match: { mac } });
  using daemon = await startDaemon(machine, { mappings: [...mappings, byMac] });
  const container = startContainer(machine);
  await attach(machine, daemon, "c1", container);
  // Somebody has its name, and its ifindex too.
  const stranger = addLink(world, home, {
    name: "d0",
    kind: "veth",
    ifindex: before.d0?.device.ifindex ?? 0,
  });
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toHaveProperty("netdevd0");
  const verdict = await attach(machine, daemon, "m");
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-held" } });
  deleteLink(world, stranger);
  await daemon.retry();
  expect(withoutNumbers(pictureOf(world, home))).toEqual(withoutNumbers(before));
  expect(daemon.engine.attachments()).toEqual([]);
});

test("a device that carries one which is in a container is guarded as if that were home", async () => {
  const machine = machineWith("macvlan");
  const low = mappingFor("l", { match: { name: "d0-low" } });
  using daemon = await startDaemon(machine, { mappings: [...mappings, low] });
  expect((await attach(machine, daemon, "c1")).outcome).toBe("attached");
  const verdict = await attach(machine, daemon, "l");
  expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-guarded", device: "d0-low" } });
});

test("on its way home under the name that it had inside, a device is not given to another container", async () => {
  for (let turns = 0; turns < 150; turns++) {
    const machine = machineWith("veth");
    const { world, home } = machine;
    const far = deviceIn(home, "d0-far");
    using daemon = await startDaemon(machine, {
      mappings: [
        mappingFor("c1", { match: { name: "d0" }, name: "eth0" }),
        mappingFor("c2", { match: { name: "eth?" }, name: "eth1" }),
      ],
      kernel: (kernel) => unevenKernel(kernel, randomFrom(turns)),
    });
    const { ifindex } = deviceIn(home, "d0");
    const first = startContainer(machine);
    await daemon.engine.handle(attachEvent(machine, "c1", first));
    // Its name and its number are another's by now.
    addLink(world, home, { name: "d0", kind: "ifb", ifindex });
    kill(world, first);
    void daemon.settle();
    for (let left = turns; left > 0; left--) await Promise.resolve();
    const verdict = await daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine)));
    await daemon.settle();
    expect({ turns, outcome: verdict.outcome }).toEqual({ turns, outcome: "refused" });
    expect(far.peer?.namespace).toBe(home);
  }
});
