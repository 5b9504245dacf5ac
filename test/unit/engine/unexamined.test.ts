import { expect, test } from "bun:test";
import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";
import type { System } from "../../../src/engine/system.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, isQuestion, refusingSystem } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

// A daemon that starts and cannot look at a namespace (no fd left, no memory) must not take it for gone: with the
// last one that holds it a veth would go.

const mappings = [mappingFor("c1", { match: { name: "d0" } })];

/** A System whose `call` fails for as long as `state.fails`. */
function failing(call: "open" | "enter" | "openPidfd", state: { fails: boolean }) {
  return (system: System): System => ({
    ...system,
    [call]: (argument: never) => {
      if (state.fails) throw new SyscallError(call, constants.errno.EMFILE);
      return system[call](argument);
    },
  });
}

async function attachedBefore(machine: Machine) {
  const container = startContainer(machine);
  using daemon = await startDaemon(machine, { mappings });
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  return container;
}

for (const call of ["open", "enter", "openPidfd"] as const) {
  for (const ended of [false, true]) {
    test(`${call} fails, the container ${ended ? "has ended" : "lives"}: told, nothing touched, and taken up later`, async () => {
      const machine = machineWith("veth");
      const { world, home } = machine;
      const before = pictureOf(world, home);
      const container = await attachedBefore(machine);
      if (ended) kill(world, container);
      const state = { fails: true };
      using daemon = await startDaemon(machine, { mappings, system: failing(call, state) });
      await daemon.retry();
      const [attachment] = daemon.engine.attachments();
      expect(attachment).toMatchObject({ state: "attached", error: { code: "stuck", device: "d0" } });
      expect(attachment?.error?.message).toContain("EMFILE");
      expect(daemon.log.filter((line) => line.startsWith("error"))).toHaveLength(1);
      expect(daemon.openCount()).toBe(3);
      expect(Object.keys(pictureOf(world, container.netns))).toEqual(["d0"]);
      const released = await daemon.engine.handle(releaseEvent("c1"));
      expect(released).toMatchObject({ outcome: "failed", error: { code: "stuck" } });

      state.fails = false;
      await daemon.retry();
      await daemon.settle();
      if (!ended) {
        expect(daemon.engine.attachments()).toMatchObject([{ state: "attached", error: null }]);
        kill(world, container);
        await daemon.settle();
      }
      expect(daemon.engine.attachments()).toEqual([]);
      expect(pictureOf(world, home)).toEqual(before);
      expect(world.namespaces).toHaveLength(1);
      expect(daemon.openCount()).toBe(3);
    });
  }
}

test("the daemon dies again before it could look: the next one knows it as it was", async () => {
  const machine = machineWith("veth");
  const container = await attachedBefore(machine);
  {
    using _ = await startDaemon(machine, { mappings, system: failing("open", { fails: true }) });
  }
  using next = await startDaemon(machine, { mappings });
  expect(next.engine.attachments()).toMatchObject([{ state: "attached", error: null }]);
  expect(Object.keys(pictureOf(machine.world, container.netns))).toEqual(["d0"]);
});

test("a namespace whose pin is gone and whose container has ended is found by whoever else is in it", async () => {
  const machine = machineWith("veth");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = await attachedBefore(machine);
  const other = startContainer(machine, container);
  kill(world, container);
  world.files.clear();
  container.netns.holds -= 1;
  using daemon = await startDaemon(machine, { mappings });
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
  kill(world, other);
  expect(world.namespaces).toHaveLength(1);
});

test("half done by a daemon that was killed, and not to be looked at by the next: nobody is told that it is there", async () => {
  for (let at = 1, killed = true; killed; at++) {
    const machine = machineWith("veth");
    const container = startContainer(machine);
    const event = attachEvent(machine, "c1", container);
    const fuse = createFuse(at);
    {
      using daemon = await startDaemon(machine, { mappings, fuse });
      await Promise.race([daemon.engine.handle(event), fuse.burnt]);
      killed = fuse.isBurnt;
    }
    const state = { fails: true };
    using next = await startDaemon(machine, { mappings, system: failing("openPidfd", state) });
    state.fails = false;
    const { outcome } = await next.engine.handle(event);
    await next.retry();
    await next.settle();
    expect({ at, outcome }).toEqual({ at, outcome: "attached" });
    expect(next.engine.attachments()).toMatchObject([
      { state: "attached", holders: [{ id: "c1", ended: false }] },
    ]);
    expect(Object.keys(pictureOf(machine.world, container.netns))).toEqual(["d0"]);
  }
});

test("two mappings in one namespace: what cannot be looked at yet is kept by its pin when the other is home", async () => {
  const machine = machineWith("veth", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const both = [...mappings, mappingFor("c2", { match: { name: "d1" } })];
  const container = startContainer(machine);
  {
    let refuses = false;
    using daemon = await startDaemon(machine, {
      mappings: both,
      system: (system) =>
        refusingSystem(system, (request) => (refuses && !isQuestion(request) ? "EBUSY" : null)),
    });
    for (const id of ["c1", "c2"]) await daemon.engine.handle(attachEvent(machine, id, container));
    refuses = true;
    kill(world, container);
    await daemon.settle();
  }
  let calls = 0;
  using daemon = await startDaemon(machine, {
    mappings: both,
    system: (system) => ({
      ...system,
      openPidfd(pid) {
        calls += 1;
        if (calls === 1) throw new SyscallError("pidfd_open", constants.errno.EMFILE);
        return system.openPidfd(pid);
      },
    }),
  });
  await daemon.settle();
  expect(Object.keys(pictureOf(world, home)).toSorted()).toEqual(["d0-far", "d1"]);
  expect(Object.keys(pictureOf(world, container.netns))).toEqual(["d0"]);
  await daemon.retry();
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
  expect(world.namespaces).toHaveLength(1);
  expect(daemon.openCount()).toBe(3);
});

test("hardware that cannot be looked at yet is not looked for inside either, where nothing is held", async () => {
  const machine = machineWith("hardware");
  const before = pictureOf(machine.world, machine.home);
  const container = startContainer(machine);
  {
    using daemon = await startDaemon(machine, { mappings });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
  }
  const state = { fails: true };
  using daemon = await startDaemon(machine, { mappings, system: failing("openPidfd", state) });
  const { length } = daemon.log;
  await daemon.engine.audit();
  await daemon.engine.departuresLost(String(container.netns.cookie));
  expect(daemon.log.slice(length)).toEqual([]);
  state.fails = false;
  await daemon.retry();
  kill(machine.world, container);
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("refused a look at every moment of taking it up again, an event leaves nothing held", async () => {
  for (let at = 1, refused = true; refused; at++) {
    const machine = machineWith("veth");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const container = await attachedBefore(machine);
    const state = { fails: true };
    let questions = Number.NEGATIVE_INFINITY;
    using daemon = await startDaemon(machine, {
      mappings,
      system: (system) =>
        refusingSystem(failing("open", state)(system), (request) =>
          isQuestion(request) && ++questions === at ? "ENOBUFS" : null,
        ),
    });
    state.fails = false;
    questions = 0;
    await daemon.engine.handle(attachEvent(machine, "c1", container, "again"));
    refused = questions >= at;
    questions = Number.NEGATIVE_INFINITY;
    kill(world, container);
    await daemon.settle();
    await daemon.retry();
    const left = { attachments: daemon.engine.attachments(), open: daemon.openCount() };
    expect({ at, ...left }).toEqual({ at, attachments: [], open: 3 });
    expect(world.namespaces).toHaveLength(1);
    expect(pictureOf(world, home)).toEqual(before);
  }
});
