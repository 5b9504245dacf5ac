import { expect, test } from "bun:test";
import { NOTHING } from "../../../src/engine/aspects.ts";
import { Departures } from "../../../src/engine/departures.ts";
import { follow } from "../../../src/engine/follow.ts";
import type { Followed } from "../../../src/engine/kernel.ts";
import type { Wanted } from "../../../src/engine/locate.ts";
import { Namespaces } from "../../../src/engine/namespaces.ts";
import { noPins } from "../../../src/engine/pins.ts";
import type { System } from "../../../src/engine/system.ts";
import { takerOver } from "../../../src/engine/take.ts";
import { trailOver } from "../../../src/engine/trail.ts";
import { Watches } from "../../../src/engine/watches.ts";
import type { Machine } from "../../sim/model/daemon.ts";
import { refusingSystem } from "../../sim/model/faults.ts";
import { addNamespace, hold, letGo } from "../../sim/model/lifetime.ts";
import { addLink } from "../../sim/model/links.ts";
import { type Namespace, nsidOf } from "../../sim/model/namespaces.ts";
import { kill, type Process, spawn } from "../../sim/model/processes.ts";
import { createSystem } from "../../sim/model/system.ts";
import { emptyMachine } from "./host.ts";

// Whoever is inside makes namespaces as it likes, and numbers for each in every other: a search through them is short,
// and ends. The kernel's thread does nothing else meanwhile, and its watchdog waits for that.

const MAC = "02:00:00:00:00:aa";
const wanted: Wanted = {
  identity: { kind: "veth", type: 1, permanentMac: null, parentBus: null, parentDev: null, macs: [MAC] },
  insideIfindex: 9,
  others: { numbers: [], macs: [], coming: [] },
  homeIfindex: 77,
  names: ["d0", "eth1"],
  aspects: { home: NOTHING, inside: NOTHING },
};

/** A machine with so many namespaces beside home, the youngest first, each with a process in it. */
function machineOf(count: number) {
  const machine = emptyMachine();
  const namespaces = Array.from({ length: count }, () => addNamespace(machine.world));
  const processes = namespaces.toReversed().map((one) => spawn(machine.world, one));
  return { machine, namespaces, processes: processes.toReversed() };
}

function mesh(namespaces: readonly Namespace[]): void {
  for (const one of namespaces) for (const other of namespaces) if (one !== other) nsidOf(one, other);
}

function chain(namespaces: readonly Namespace[]): void {
  for (const [at, one] of namespaces.entries()) {
    const next = namespaces[at + 1];
    if (next !== undefined) nsidOf(one, next);
  }
}

function lose({ world }: Machine, namespace: Namespace | undefined): Namespace {
  if (namespace === undefined) throw new Error("there is no such namespace");
  addLink(world, namespace, { name: "mine", kind: "veth", ifindex: 5, mac: MAC });
  return namespace;
}

interface Search {
  readonly followed: Followed | null;
  /** How often a message was sent. */
  readonly sent: number;
  /** How often something was opened. */
  readonly opened: number;
  /** How often a list of all ways was begun, and how far they were drawn altogether. */
  readonly lists: number;
  readonly drawn: number;
  /** Cookies of what the search has left held, but for where it began. */
  readonly held: readonly string[];
}

interface Meddling {
  readonly most?: number;
  /** Called before each look at a path, with how many there were. */
  readonly onLook?: (count: number, path: string) => void;
}

/** Searches from the first namespace of a machine. */
function search(
  { world, home }: Machine,
  start: Process | undefined,
  { most, onLook }: Meddling = {},
): Search {
  if (start === undefined) throw new Error("there is nowhere to begin");
  using own = createSystem(world, home);
  const counts = { sent: 0, opened: 0, lists: 0, drawn: 0 };
  const counting: System = {
    ...refusingSystem(own, () => {
      counts.sent += 1;
      return null;
    }),
    openNamespace(path) {
      counts.opened += 1;
      onLook?.(counts.opened, path);
      return own.openNamespace(path);
    },
    *namespaces() {
      counts.lists += 1;
      for (const path of own.namespaces()) {
        counts.drawn += 1;
        yield path;
      }
    },
  };
  using namespaces = new Namespaces(counting, noPins, new Departures(counting, () => undefined));
  const taking = {
    system: counting,
    namespaces,
    watches: new Watches(counting),
    homeCookie: String(home.cookie),
  };
  const trail = trailOver(counting, namespaces, takerOver({ ...taking, entered: () => undefined }));
  const opened = trail.openPath(`/proc/${start.pid}/ns/net`);
  if (!opened.ok) throw new Error(opened.problem.message);
  Object.assign(counts, { sent: 0, opened: 0 });
  const before = own.openCount;
  const followed = follow(trail, opened.cookie, wanted, most);
  const held = Array.from(namespaces.held(), ([cookie]) => cookie).filter((one) => one !== opened.cookie);
  for (const cookie of held) trail.close(cookie);
  expect(own.openCount).toBe(before);
  return { followed, ...counts, held };
}

function foundIn({ cookie }: Namespace): Followed {
  return { ok: true, cookie: String(cookie), ifindex: 5 };
}

for (const count of [5, 10, 20, 40]) {
  test(`${count} namespaces with numbers for each other: no namespace is asked twice for the same one`, () => {
    const { machine, namespaces, processes } = machineOf(count);
    mesh(namespaces);
    const { followed, sent, opened, lists, drawn, held } = search(machine, processes[0]);
    expect(followed).toBeNull();
    expect(held).toEqual([]);
    expect({ lists, drawn }).toEqual({ lists: 1, drawn: count });
    // From each one look at each, and a few more for each alone.
    expect(opened).toBeLessThan(count * count + 5 * count);
    expect(sent).toBeLessThan(count * count + 10 * count);
  });
}

test("a device behind all of a mesh is found, and its namespace alone is held", () => {
  const { machine, namespaces, processes } = machineOf(12);
  mesh(namespaces.slice(0, 11));
  chain(namespaces.slice(10));
  const where = lose(machine, namespaces[11]);
  const { followed, held } = search(machine, processes[0]);
  expect(followed).toEqual(foundIn(where));
  expect(held).toEqual([String(where.cookie)]);
});

for (const depth of [1, 2, 3, 4]) {
  test(`${depth} deep in a chain it is found`, () => {
    const { machine, namespaces, processes } = machineOf(7);
    chain(namespaces);
    const where = lose(machine, namespaces[depth]);
    const { followed, held } = search(machine, processes[0]);
    expect(followed).toEqual(foundIn(where));
    expect(held).toEqual([String(where.cookie)]);
  });
}

test("five deep in a chain it is not looked for", () => {
  const { machine, namespaces, processes } = machineOf(7);
  chain(namespaces);
  lose(machine, namespaces[5]);
  expect(search(machine, processes[0])).toMatchObject({ followed: null, held: [] });
});

test("a way that is too long does not hide one that is short", () => {
  const { machine, namespaces, processes } = machineOf(6);
  const [start, , , late, deeper, deepest] = namespaces;
  chain(namespaces.slice(0, 4));
  // The third of the chain is the start's own neighbour as well; it is come to by the long way first.
  if (!start || !late || !deeper || !deepest) throw new Error("too few namespaces");
  nsidOf(start, late);
  nsidOf(late, deeper);
  nsidOf(deeper, deepest);
  const where = lose(machine, deepest);
  expect(search(machine, processes[0]).followed).toEqual(foundIn(where));
});

test("the ways are listed as far as they are needed", () => {
  const { machine, namespaces, processes } = machineOf(100);
  chain(namespaces.slice(0, 3));
  const where = lose(machine, namespaces[2]);
  const { followed, lists, drawn } = search(machine, processes[0]);
  expect(followed).toEqual(foundIn(where));
  expect({ lists, drawn }).toEqual({ lists: 1, drawn: 3 });
});

test("after so many looks a search ends, with what it has seen so far", () => {
  const { machine, namespaces, processes } = machineOf(30);
  const { world } = machine;
  const hidden = addNamespace(world);
  hold(hidden);
  const [start] = namespaces;
  if (start === undefined) throw new Error("there is nowhere to begin");
  nsidOf(start, hidden);
  mesh(namespaces);
  const unreached = search(machine, processes[0], { most: 100 });
  expect(unreached).toMatchObject({ followed: { ok: false, seen: null }, held: [] });
  expect(unreached.opened).toBeLessThan(200);
  lose(machine, hidden);
  const seen = search(machine, processes[0], { most: 100 });
  expect(seen).toMatchObject({ followed: { ok: false, seen: { nsid: 0, name: "mine" } }, held: [] });
  expect(seen.opened).toBeLessThan(200);
  letGo(world, hidden);
});

test("many devices are many looks", () => {
  const { machine, namespaces, processes } = machineOf(10);
  mesh(namespaces);
  const where = lose(machine, namespaces[9]);
  for (let at = 0; at < 60; at++) {
    for (const one of namespaces) addLink(machine.world, one, { name: `x${at}`, kind: "ifb" });
  }
  expect(search(machine, processes[0], { most: 300 }).followed).toEqual({ ok: false, seen: null });
  expect(search(machine, processes[0], { most: 3000 }).followed).toEqual(foundIn(where));
});

test("the process that led there has been replaced by another, elsewhere: that is not taken for it", () => {
  const { machine, namespaces, processes } = machineOf(3);
  const { world } = machine;
  const [start, nested, other] = namespaces;
  const [, inhabitant] = processes;
  if (!start || !nested || !other || !inhabitant) throw new Error("too few namespaces");
  nsidOf(start, nested);
  nsidOf(nested, other);
  hold(nested);
  lose(machine, nested);
  const path = `/proc/${inhabitant.pid}/ns/net`;
  let looks = 0;
  const onLook = (_: number, at: string) => {
    if (at !== path || ++looks !== 2) return;
    kill(world, inhabitant);
    world.processes.delete(inhabitant.pid);
    spawn(world, other, { pid: inhabitant.pid });
  };
  expect(search(machine, processes[0], { onLook })).toMatchObject({
    followed: { ok: false, seen: { nsid: 0, name: "mine" } },
    held: [],
  });
  expect(looks).toBeGreaterThan(1);
});

test("the process that led there has ended, and another one is there still: it is found by that", () => {
  const { machine, namespaces, processes } = machineOf(2);
  const { world } = machine;
  chain(namespaces);
  const where = lose(machine, namespaces[1]);
  const short = spawn(world, where);
  const onLook = (count: number) => {
    if (count === 2) kill(world, short);
  };
  const { followed, held } = search(machine, processes[0], { onLook });
  expect(followed).toEqual(foundIn(where));
  expect(held).toEqual([String(where.cookie)]);
});
