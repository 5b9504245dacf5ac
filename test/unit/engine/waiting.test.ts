import { expect, test } from "bun:test";
import type { Mapping } from "../../../src/domain/mapping.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, refusingSystem, unevenKernel } from "../../sim/model/faults.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { randomFrom } from "../../sim/model/random.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { advance, wallTime } from "../../sim/model/world.ts";
import { attachEvent, containerEvent, mappingFor, releaseEvent, stoppedEvent, type Wish } from "./events.ts";
import { addDevice, change, deviceIn, emptyMachine, machineWith, startContainer } from "./host.ts";

// "wait: how long the gate waits for a device that is not there yet."

const SECOND = 1000;

function waitingFor(id: string, ...wishes: readonly Wish[]): Mapping {
  return { ...mappingFor(id, ...wishes), wait: 10 * SECOND };
}

/** A verdict that may still be open. */
interface Pending {
  readonly verdict: Promise<Verdict>;
  /** null: not yet. */
  now(): Verdict | null;
}

function pending(verdict: Promise<Verdict>): Pending {
  let come: Verdict | null = null;
  void verdict.then((one) => {
    come = one;
  });
  return { verdict, now: () => come };
}

/** Drops an attach event, and lets the daemon come to rest. */
async function drop(
  machine: Machine,
  daemon: Daemon,
  id: string,
  container = startContainer(machine),
  name = id,
) {
  const open = pending(daemon.engine.handle(attachEvent(machine, id, container, name)));
  await daemon.settle();
  return { ...open, container };
}

/** Lets time pass, and the daemon do what is due in it. */
async function pass(machine: Machine, daemon: Daemon, milliseconds: number): Promise<void> {
  advance(machine.world, milliseconds);
  await daemon.settle();
}

test("a container waits for a device that is not there, and gets it as soon as it is", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, {
    mappings: [waitingFor("c*", { match: { name: "d0" }, name: "eth1" })],
  });
  const { verdict, now, container } = await drop(machine, daemon, "c1");
  expect(now()).toBeNull();
  await pass(machine, daemon, 5 * SECOND);
  addDevice(machine.world, machine.home, "ifb", "d0");
  await daemon.settle();
  expect(now()).not.toBeNull();
  expect(await verdict).toMatchObject({ outcome: "attached", devices: [{ host_name: "d0", name: "eth1" }] });
  expect(daemon.engine.waiting()).toEqual([]);
  expect(deviceIn(container.netns, "eth1").up).toBe(true);
});

test("what waits is told meanwhile, with what it waits for, and holds no device", async () => {
  const machine = machineWith("ifb");
  const wishes: Wish[] = [{ match: { name: "d0" } }, { match: { name: "d1" } }];
  using daemon = await startDaemon(machine, {
    mappings: [waitingFor("c*", ...wishes), mappingFor("x", { match: { name: "d0" } })],
  });
  const since = machine.world.now;
  const { container } = await drop(machine, daemon, "c1");
  expect(daemon.engine.waiting()).toMatchObject([
    {
      holder: { id: "c1", pid: container.pid, path: null, ended: false },
      mapping: "for-c*",
      lacks: { code: "device-missing", message: expect.stringContaining('name = "d1"') },
    },
  ]);
  expect(daemon.engine.waiting()[0]?.since).toBe(Date.UTC(2026, 0, 1) + since);
  expect(daemon.engine.attachments()).toEqual([]);
  expect((await (await drop(machine, daemon, "x")).verdict).outcome).toBe("attached");
});

test("when time is up it is refused with the reasons that it would have been refused with at once", async () => {
  const machine = machineWith("ifb");
  const wish = { match: { name: "d?" }, count: 3 };
  using hasty = await startDaemon(machine, { mappings: [mappingFor("c*", wish)] });
  const reasons = (await (await drop(machine, hasty, "c1")).verdict).error;
  hasty[Symbol.dispose]();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", wish)] });
  const open = daemon.openCount();
  const { verdict, now } = await drop(machine, daemon, "c1");
  await pass(machine, daemon, 9 * SECOND);
  expect(now()).toBeNull();
  await pass(machine, daemon, SECOND);
  expect(await verdict).toEqual({
    event: "c1",
    id: "c1",
    outcome: "refused",
    mapping: "for-c*",
    devices: [],
    warnings: [],
    error: reasons,
  });
  expect(daemon.openCount()).toBe(open);
  expect(daemon.engine.waiting()).toEqual([]);
});

test("without `required` it goes on with what is there when time is up, and warns", async () => {
  const machine = machineWith("ifb");
  const mapping = {
    ...waitingFor("c*", { match: { name: "d0" } }, { match: { name: "d1" } }),
    required: false,
  };
  using daemon = await startDaemon(machine, { mappings: [mapping] });
  const { verdict, now } = await drop(machine, daemon, "c1");
  await pass(machine, daemon, 9 * SECOND);
  expect(now()).toBeNull();
  await pass(machine, daemon, SECOND);
  expect(await verdict).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: "d0" }],
    warnings: [{ code: "device-missing" }],
  });
});

test("events of one container wait side by side, though the clock was set back behind their writing", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const container = startContainer(machine);
  machine.world.bootedAt -= 3600 * SECOND;
  const { world } = machine;
  const event = { ...attachEvent(machine, "c1", container), writtenAt: wallTime(world) + 3600 * SECOND };
  const all = ["e1", "e2", "e3"].map((name) => pending(daemon.engine.handle({ ...event, name })));
  await pass(machine, daemon, 11 * SECOND);
  expect(all.map((one) => one.now()?.outcome)).toEqual(["refused", "refused", "refused"]);
});

for (const by of [-3600, 3600]) {
  test(`a clock that is set by ${by} s makes no wait longer or shorter`, async () => {
    const machine = emptyMachine();
    using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
    const { now } = await drop(machine, daemon, "c1");
    machine.world.bootedAt += by * SECOND;
    // Something comes that is not what it waits for: it looks again.
    addDevice(machine.world, machine.home, "ifb", "other");
    await pass(machine, daemon, 9 * SECOND);
    expect(now()).toBeNull();
    await pass(machine, daemon, SECOND);
    expect(now()).toMatchObject({ outcome: "refused", error: { code: "device-missing" } });
  });
}

test("time runs from the writing of the event, and not from when it is taken", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const event = attachEvent(machine, "c1", startContainer(machine));
  advance(machine.world, 8 * SECOND);
  const { now } = pending(daemon.engine.handle(event));
  await daemon.settle();
  expect(now()).toBeNull();
  await pass(machine, daemon, 2 * SECOND);
  expect(now()?.outcome).toBe("refused");
  // Of a clock that was set back since, no more than the wait itself.
  const later = pending(
    daemon.engine.handle({ ...event, name: "c2", id: "c2", writtenAt: event.writtenAt + 1e9 }),
  );
  await daemon.settle();
  expect(later.now()).toBeNull();
  await pass(machine, daemon, 10 * SECOND);
  expect(later.now()?.outcome).toBe("refused");
});

test("a device that another container holds is waited for as one that is not there", async () => {
  for (const kind of ["ifb", "hardware"] as const) {
    const machine = machineWith(kind);
    using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
    const first = await drop(machine, daemon, "c1");
    const second = await drop(machine, daemon, "c2");
    expect(daemon.engine.waiting()).toMatchObject([{ lacks: { code: "device-held", device: "d0" } }]);
    kill(machine.world, first.container);
    await daemon.settle();
    expect(second.now()?.outcome).toBe("attached");
  }
});

test("a device that was kept back by another one of its container, which is stuck, comes free with that", async () => {
  const machine = machineWith("ifb", "ifb");
  const d0 = deviceIn(machine.home, "d0");
  let isBroken = false;
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("all", { match: { name: "d?" }, count: "all" }),
      waitingFor("c*", { match: { name: "d1" } }),
    ],
    system: (system) =>
      refusingSystem(system, ({ type, payload }) => {
        if (!isBroken || type !== RTM_NEWLINK) return null;
        return linkMessage.decode(payload).header.ifi_index === d0.ifindex ? "EBUSY" : null;
      }),
  });
  const first = await drop(machine, daemon, "all");
  const second = await drop(machine, daemon, "c1");
  isBroken = true;
  kill(machine.world, first.container);
  await daemon.settle();
  expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck" }]);
  expect(deviceIn(machine.home, "d1").name).toBe("d1");
  expect(second.now()).toBeNull();
  // Nothing at home changes by that.
  deleteLink(machine.world, d0);
  await daemon.retry();
  await daemon.settle();
  expect(second.now()?.outcome).toBe("attached");
});

test("those that wait for one device have it in the order of their coming", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const machine = emptyMachine(seed);
    using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
    const all = [];
    for (const id of ["c1", "c2", "c3"]) all.push(await drop(machine, daemon, id));
    addDevice(machine.world, machine.home, "ifb", "d0");
    await daemon.settle();
    for (const [at, one] of all.entries()) {
      expect(all.map(({ now }) => now()?.outcome === "attached")).toEqual(all.map((_, other) => other <= at));
      kill(machine.world, one.container);
      await daemon.settle();
    }
  }
});

test("the containers of a pod that wait for one mapping have its devices together", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("pod-*", { match: { name: "d0" } })] });
  const first = await drop(machine, daemon, "pod-a");
  const second = await drop(machine, daemon, "pod-b", startContainer(machine, first.container));
  expect(daemon.engine.waiting()).toHaveLength(2);
  addDevice(machine.world, machine.home, "ifb", "d0");
  await daemon.settle();
  expect(first.now()?.outcome).toBe("attached");
  expect(second.now()).toMatchObject({ outcome: "attached", devices: [{ host_name: "d0" }] });
});

test("a guard does not go away by waiting", async () => {
  const machine = machineWith("ifb");
  deviceIn(machine.home, "d0").defaultRoutes.push("inet");
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const { now } = await drop(machine, daemon, "c1");
  expect(now()).toMatchObject({ outcome: "refused", error: { code: "device-guarded" } });
});

test("nor does a name that is taken inside", async () => {
  const machine = machineWith("ifb");
  using daemon = await startDaemon(machine, {
    mappings: [waitingFor("c*", { match: { name: "d0" }, name: "eth0" }, { match: { name: "d1" } })],
  });
  const container = startContainer(machine);
  addLink(machine.world, container.netns, { name: "eth0", kind: "ifb" });
  const { now } = await drop(machine, daemon, "c1", container);
  expect(now()).toMatchObject({ outcome: "refused", error: { code: "name-taken" } });
});

test("a device that becomes what is asked for has come", async () => {
  const machine = machineWith("ifb");
  using daemon = await startDaemon(machine, {
    mappings: [waitingFor("c*", { match: { altname: "uplink" } })],
  });
  const { now } = await drop(machine, daemon, "c1");
  change(machine.world, deviceIn(machine.home, "d0"), { mtu: 1300 });
  await daemon.settle();
  expect(now()).toBeNull();
  addAltname(deviceIn(machine.home, "d0"), "uplink");
  await daemon.settle();
  expect(now()?.outcome).toBe("attached");
});

test("a device that udev is not done with has not come yet", async () => {
  const machine = emptyMachine();
  const other = mappingFor("x", { match: { driver: "ixgbe" } });
  const match = { driver: "e1000e" };
  using daemon = await startDaemon(machine, { mappings: [other, waitingFor("c*", { match })] });
  const { verdict, now } = await drop(machine, daemon, "c1");
  const link = addDevice(machine.world, machine.home, "hardware", "eth0");
  link.isSetUp = false;
  await daemon.settle();
  expect(now()).toBeNull();
  expect(daemon.engine.waiting()[0]?.lacks.message).toContain("udev is not done with it");
  change(machine.world, link, { name: "enp0s3" });
  await pass(machine, daemon, 40);
  expect(now()).toBeNull();
  // Nobody tells of this.
  link.isSetUp = true;
  await pass(machine, daemon, 50);
  expect(await verdict).toMatchObject({ outcome: "attached", devices: [{ host_name: "enp0s3" }] });
});

test("a device that udev never gets done with is taken as it is when time is up", async () => {
  const machine = emptyMachine();
  const link = addDevice(machine.world, machine.home, "ifb", "d0");
  link.isSetUp = false;
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const { now } = await drop(machine, daemon, "c1");
  for (let second = 0; second < 9; second++) await pass(machine, daemon, SECOND);
  expect(now()).toBeNull();
  await pass(machine, daemon, SECOND);
  expect(now()?.outcome).toBe("attached");
});

test("news that somebody else's event took in are not missed", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const machine = machineWith("ifb");
    const random = randomFrom(seed);
    using daemon = await startDaemon(machine, {
      mappings: [waitingFor("c1", { match: { name: "d1" } }), mappingFor("c2", { match: { name: "d0" } })],
      kernel: (kernel) => unevenKernel(kernel, random),
    });
    const container = startContainer(machine);
    const waits = pending(daemon.engine.handle(attachEvent(machine, "c1", container)));
    for (let turns = seed % 30; turns > 0; turns--) await Promise.resolve();
    addDevice(machine.world, machine.home, "ifb", "d1");
    await daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine)));
    await daemon.settle();
    expect(waits.now()?.outcome).toBe("attached");
  }
});

// What ends a wait at once.

const endings: [
  string,
  (machine: Machine, daemon: Daemon, pid: number) => void,
  code: string,
  words: string,
][] = [
  [
    "the end of its process",
    ({ world }, _, pid) => kill(world, world.processes.get(pid) ?? never()),
    "process-gone",
    "has ended",
  ],
  [
    "`stopped`",
    (machine, { engine }) => void engine.handle(stoppedEvent(machine, "c1")),
    "process-gone",
    "was stopped",
  ],
  [
    "`stopped` with its pid",
    (machine, { engine }, pid) => void engine.handle(stoppedEvent(machine, "c1", pid)),
    "process-gone",
    "was stopped",
  ],
  ["a release", (_, { engine }) => void engine.handle(releaseEvent("c1")), "device-missing", "was released"],
  [
    "a release of all",
    (_, { engine }) => void engine.handle(releaseEvent(null)),
    "device-missing",
    "was released",
  ],
];

function never(): never {
  throw new Error("there is no such process");
}

for (const [what, happen, code, words] of endings) {
  test(`${what} ends the waiting at once`, async () => {
    for (const turns of [0, 1, 2, 3, 5, 8, 13, 100]) {
      const machine = emptyMachine();
      using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
      const open = daemon.openCount();
      const container = startContainer(machine);
      const { now } = pending(daemon.engine.handle(attachEvent(machine, "c1", container)));
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      happen(machine, daemon, container.pid);
      await daemon.settle();
      expect(now()).toMatchObject({ outcome: "refused", error: { code } });
      // Where it has ended before it was looked at, it does not come to waiting.
      if (turns === 100) expect(now()?.error?.message).toContain(`container c1 ${words} while it waited`);
      expect(daemon.openCount()).toBe(open);
      expect(daemon.engine.waiting()).toEqual([]);
    }
  });
}

test("`stopped` while it waits has a verdict of its own", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  await drop(machine, daemon, "c1");
  expect(await daemon.engine.handle(stoppedEvent(machine, "c1"))).toMatchObject({
    outcome: "unchanged",
    error: null,
  });
});

test("`stopped` of another process of that id, and of other ids, does not end it", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const { now, container } = await drop(machine, daemon, "c1");
  void daemon.engine.handle(stoppedEvent(machine, "c1", container.pid + 1));
  expect((await daemon.engine.handle(stoppedEvent(machine, "c2"))).outcome).toBe("unchanged");
  expect((await daemon.engine.handle(releaseEvent("c2"))).outcome).toBe("unchanged");
  await daemon.settle();
  expect(now()).toBeNull();
  expect(daemon.engine.waiting()).toHaveLength(1);
});

test("one that was named by path waits as well, and is ended by `stopped`", async () => {
  const machine = emptyMachine();
  const netns = startContainer(machine).netns;
  machine.world.files.set("/run/netns/c1", netns);
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const event = containerEvent(machine, "c1", "running", { by: "netns", path: "/run/netns/c1" });
  const { now } = pending(daemon.engine.handle(event));
  await daemon.settle();
  expect(daemon.engine.waiting()).toMatchObject([{ holder: { pid: null, path: "/run/netns/c1" } }]);
  await daemon.engine.handle(stoppedEvent(machine, "c1"));
  expect(now()).toMatchObject({ outcome: "refused", error: { code: "process-gone" } });
});

test("what waits holds up nobody: others attach and return meanwhile", async () => {
  const machine = machineWith("ifb");
  const before = pictureOf(machine.world, machine.home);
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("x", { match: { name: "d0" } }), waitingFor("c*", { match: { name: "none" } })],
  });
  for (const id of ["c1", "c2", "c3"]) await drop(machine, daemon, id);
  expect((await (await drop(machine, daemon, "x")).verdict).outcome).toBe("attached");
  expect((await daemon.engine.handle(stoppedEvent(machine, "x"))).outcome).toBe("returned");
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(daemon.engine.waiting()).toHaveLength(3);
});

test("the same event twice: both are answered when the device has come", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const { container, now } = await drop(machine, daemon, "c1", startContainer(machine), "first");
  const again = await drop(machine, daemon, "c1", container, "second");
  addDevice(machine.world, machine.home, "ifb", "d0");
  await daemon.settle();
  expect([now()?.outcome, again.now()?.outcome]).toEqual(["attached", "unchanged"]);
});

// A daemon that ends.

test("a daemon that is stopped leaves what waits to the next one, which goes on waiting", async () => {
  const machine = emptyMachine();
  const mappings = [waitingFor("c*", { match: { name: "d0" } })];
  const event = attachEvent(machine, "c1", startContainer(machine));
  const first = await startDaemon(machine, { mappings });
  const { now } = pending(first.engine.handle(event));
  await first.settle();
  first.engine.leaveWaiting();
  addDevice(machine.world, machine.home, "ifb", "d0");
  await pass(machine, first, 5 * SECOND);
  await first.engine.idle();
  expect(now()).toBeNull();
  expect(machine.rows.size).toBe(0);
  first[Symbol.dispose]();
  using next = await startDaemon(machine, { mappings });
  expect(await next.engine.handle(event)).toMatchObject({ outcome: "attached" });
});

test("a daemon that is killed at any moment of it leaves the host as it was, or the device inside", async () => {
  const wishes: Wish[] = [{ match: { name: "d0" }, name: "eth1" }];
  for (let at = 1; ; at++) {
    const machine = emptyMachine();
    const event = attachEvent(machine, "c1", startContainer(machine));
    const fuse = createFuse(at);
    const first = await startDaemon(machine, { mappings: [waitingFor("c*", ...wishes)], fuse });
    const { now } = pending(first.engine.handle(event));
    await Promise.race([first.settle(), fuse.burnt]);
    const link = addDevice(machine.world, machine.home, "ifb", "d0");
    await Promise.race([first.settle(), fuse.burnt]);
    const isAnswered = now() !== null && !fuse.isBurnt;
    first[Symbol.dispose]();
    using next = await startDaemon(machine, { mappings: [waitingFor("c*", ...wishes)] });
    // The spool keeps what was claimed and not answered.
    const verdict = isAnswered ? now() : await next.engine.handle(event);
    expect(verdict).toMatchObject({ outcome: "attached", devices: [{ host_name: "d0", name: "eth1" }] });
    expect(link.name).toBe("eth1");
    if (isAnswered) break;
  }
});

test("a device that comes and goes at once is waited for again", async () => {
  const machine = emptyMachine();
  using daemon = await startDaemon(machine, { mappings: [waitingFor("c*", { match: { name: "d0" } })] });
  const { now } = await drop(machine, daemon, "c1");
  for (let round = 0; round < 5; round++) {
    deleteLink(machine.world, addDevice(machine.world, machine.home, "ifb", "d0"));
    await daemon.settle();
    expect(now()).toBeNull();
  }
  addDevice(machine.world, machine.home, "ifb", "d0");
  await daemon.settle();
  expect(now()?.outcome).toBe("attached");
});

test("a clock that is set in the moment in which a process is looked at does not make it another one", async () => {
  const machine = emptyMachine();
  addDevice(machine.world, machine.home, "ifb", "d0");
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } })],
    kernel: (own) => ({
      ...own,
      open(...args) {
        machine.world.bootedAt += 3600 * SECOND;
        return own.open(...args);
      },
    }),
  });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
  expect(verdict).toMatchObject({ outcome: "attached", error: null });
});
