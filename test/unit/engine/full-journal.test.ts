import { expect, test } from "bun:test";
import type { Journal } from "../../../src/engine/journal.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { attachmentsOf } from "../../sim/model/memory-journal.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill, spawn } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { change, deviceIn, machineWith, startContainer } from "./host.ts";

const mappings = [mappingFor("c1", { match: { name: "d0" } }), mappingFor("c2", { match: { name: "d1" } })];

/** A disk that can be filled, with a journal on it. */
function disk() {
  const state = { isFull: false };
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
    (...args: Args) => {
      if (state.isFull) throw new Error("database or disk is full");
      write(...args);
    };
  const journal = (own: Journal): Journal => ({
    ...own,
    add: writing(own.add),
    update: writing(own.update),
    updateDevice: writing(own.updateDevice),
    delete: writing(own.delete),
  });
  return { state, journal };
}

test("nothing new is attached, and what is inside comes home", async () => {
  const machine = machineWith("veth", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const { state, journal } = disk();
  using daemon = await startDaemon(machine, { mappings, journal });
  const first = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", first));
  const open = daemon.openCount();
  state.isFull = true;
  const verdict = await daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine)));
  expect(verdict).toMatchObject({ outcome: "refused", devices: [], error: { code: "journal-unwritable" } });
  expect(verdict.error?.message).toContain("database or disk is full");
  expect(daemon.openCount()).toBe(open);
  expect(pictureOf(world, home)).toHaveProperty("d1");
  kill(world, first);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
  // Of its namespace nothing is kept for the notes that could not be taken.
  expect(daemon.heldCookies()).toEqual([]);
  expect(Array.from(world.files.keys())).toEqual([]);
});

test("what came home meanwhile is not brought home again by the next daemon", async () => {
  const machine = machineWith("veth", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const { state, journal } = disk();
  {
    using daemon = await startDaemon(machine, { mappings, journal });
    await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    state.isFull = true;
    expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
    state.isFull = false;
    await daemon.engine.handle(attachEvent(machine, "c2", startContainer(machine)));
  }
  expect(attachmentsOf(machine.rows).map(({ holders }) => holders[0]?.id)).toEqual(["c2"]);
  using next = await startDaemon(machine, { mappings });
  expect(next.engine.attachments()).toHaveLength(1);
  await next.engine.handle(releaseEvent(null));
  expect(pictureOf(world, home)).toEqual(before);
});

test("the disk fills at any moment of an attach: nobody is told that it has what the next daemon would take from it", async () => {
  for (let at = 1; ; at++) {
    const machine = machineWith("veth", "ifb");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const container = startContainer(machine);
    const { state, journal } = disk();
    let writes = 0;
    const both = [mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" } })];
    const counted = (own: Journal): Journal => {
      const count =
        <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
        (...args: Args) => {
          writes += 1;
          state.isFull = writes >= at;
          write(...args);
        };
      const inner = journal(own);
      return {
        ...inner,
        add: count(inner.add),
        update: count(inner.update),
        updateDevice: count(inner.updateDevice),
      };
    };
    {
      using daemon = await startDaemon(machine, { mappings: both, journal: counted });
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      if (writes < at) expect(verdict.outcome).toBe("attached");
      else {
        const outcome = at === 1 ? "refused" : "failed";
        expect(verdict).toMatchObject({ outcome, error: { code: "journal-unwritable" } });
        expect(pictureOf(world, home)).toEqual(before);
      }
    }
    using next = await startDaemon(machine, { mappings: both });
    if (writes >= at) expect(pictureOf(world, home)).toEqual(before);
    else expect(next.engine.attachments()).toMatchObject([{ state: "attached" }]);
    if (writes < at) break;
  }
});

test("moved on where that cannot be put on record: the next daemon finds it by the pin", async () => {
  const machine = machineWith("veth", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const nested = addNamespace(world);
  const inhabitant = spawn(world, nested);
  const { state, journal } = disk();
  {
    using daemon = await startDaemon(machine, { mappings, journal });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
    state.isFull = true;
    change(world, deviceIn(container.netns, "d0"), { target: nested });
    await daemon.settle();
  }
  kill(world, inhabitant);
  using next = await startDaemon(machine, { mappings });
  kill(world, container);
  await next.settle();
  expect(pictureOf(world, home)).toEqual(before);
});
