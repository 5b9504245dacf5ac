import type { SpoolEvent } from "../../../src/domain/event.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { flush } from "../../sim/model/addresses.ts";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { createFuse, type Fuse, unevenKernel } from "../../sim/model/faults.ts";
import { addLink, deleteLink, type Link } from "../../sim/model/links.ts";
import type { Namespace } from "../../sim/model/namespaces.ts";
import { pictureOf, type Seen, withoutNumbers } from "../../sim/model/picture.ts";
import { kill, type Process, reap } from "../../sim/model/processes.ts";
import { integer, pick, type Random, randomFrom } from "../../sim/model/random.ts";
import { Refusal } from "../../sim/model/refusal.ts";
import { addAltname, deleteAltname } from "../../sim/model/set-link.ts";
import { advance } from "../../sim/model/world.ts";
import { attachEvent, mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import {
  addDevice,
  addProven,
  address,
  change,
  emptyMachine,
  furnish,
  KINDS,
  startContainer,
} from "./host.ts";

/** Overlapping wishes, so that containers get into each other's way. */
const MAPPINGS = [
  mappingFor("c0", { match: { name: "d0" }, name: "eth0" }),
  mappingFor("c1", { match: { name: "d?" }, count: "all", name: "net%d" }),
  {
    ...mappingFor("c2", { match: { name: "d1" }, mtu: 1300 }, { match: { name: "d2" }, name: "d0" }),
    wait: 5000,
  },
  {
    ...mappingFor("c3", { match: { kind: "veth" }, count: 2, name: "eth%d" }),
    required: false,
    wait: 2000,
  },
  mappingFor(
    "c4",
    { match: { altname: "d3-second" }, name: "eth0", mac: "02:00:00:00:00:aa" },
    { match: { name: "d4" }, addresses: [{ family: "inet6", local: "2001:db8::77", prefixLength: 64 }] },
  ),
];
const IDS = ["c0", "c1", "c2", "c3", "c4"] as const;
/** Names that meet those of the host's devices and those wanted inside. */
const NAMES = ["d0", "d1", "eth0", "eth1", "net0", "d0-second", "d3-second"] as const;

type Container = Process & { readonly netns: Namespace };

/** A history under way. */
interface Play {
  readonly random: Random;
  readonly machine: Machine;
  /** The host as it was at first: what it has to be at the end. */
  readonly before: Readonly<Record<string, Seen>>;
  /** The host's devices by the names they had at first. */
  readonly devices: ReadonlyMap<string, Link>;
  /** The newest container of each id, and all that ever were. */
  readonly containers: Map<string, Container>;
  readonly started: Container[];
  /** Devices of others that take names and ifindexes. */
  readonly strangers: Set<Link>;
  /** What was done, for whoever has to find out what went wrong. */
  readonly told: string[];
  readonly verdicts: Promise<Verdict>[];
  daemon: Daemon;
  fuse: Fuse;
}

/** What came of a history. */
export interface Ending {
  readonly told: readonly string[];
  readonly machine: Machine;
  /** Devices that should be home as they were, and those that are. */
  readonly expected: Readonly<Record<string, Seen>>;
  readonly found: Readonly<Record<string, Seen>>;
  readonly daemon: Daemon;
}

/** Plays one history of `length` things that happen, and then has all containers end. */
export async function play(seed: number, length: number): Promise<Ending> {
  const random = randomFrom(seed);
  const machine = emptyMachine(seed);
  const { world, home } = machine;
  for (let at = 0; at < 5; at++) furnish(world, addDevice(world, home, pick(random, KINDS), `d${at}`));
  const fuse = createFuse();
  const state: Play = {
    random,
    machine,
    before: pictureOf(world, home),
    devices: new Map(Array.from(home.links.values(), (link) => [link.name, link])),
    containers: new Map(),
    started: [],
    strangers: new Set(),
    told: [],
    verdicts: [],
    daemon: await startDaemon(machine, { mappings: MAPPINGS, fuse }),
    fuse,
  };
  for (let step = 0; step < length; step++) {
    if (state.fuse.isBurnt) await restart(state);
    await pick(random, MOVES)(state);
  }
  return end(state);
}

const MOVES: readonly ((state: Play) => void | Promise<void>)[] = [
  attach,
  attach,
  attach,
  attach,
  (state) => drop(state, stoppedEvent(state.machine, pick(state.random, IDS))),
  (state) => drop(state, releaseEvent(integer(state.random, 3) === 0 ? null : pick(state.random, IDS))),
  endContainer,
  endContainer,
  meddle,
  meddle,
  strangerComes,
  strangerGoes,
  restart,
  wait,
  wait,
  (state) => advance(state.machine.world, integer(state.random, 3000)),
  (state) => void state.daemon.engine.retryStuck().catch(() => undefined),
];

function attach(state: Play): void {
  const { machine, containers, random } = state;
  const id = pick(random, IDS);
  const others = Array.from(containers.values()).filter(({ namespace }) => namespace !== null);
  const sharing = others.length > 0 && integer(random, 4) === 0 ? pick(random, others) : undefined;
  const known = containers.get(id);
  const again = known !== undefined && integer(random, 3) === 0;
  const container = again ? known : startContainer(machine, sharing);
  state.started.push(container);
  if (!again && known !== undefined && integer(random, 2) === 0) kill(machine.world, known);
  containers.set(id, container);
  drop(state, attachEvent(machine, id, container, `event-${state.told.length}`));
}

function drop(state: Play, event: SpoolEvent): void {
  state.told.push(`${event.type === "release" ? "release" : event.status} ${event.id}`);
  state.verdicts.push(state.daemon.engine.handle(event));
}

function endContainer(state: Play): void {
  const { machine, containers, random, told } = state;
  const id = pick(random, IDS);
  const container = containers.get(id);
  if (container === undefined) return;
  told.push(`kill ${id}`);
  kill(machine.world, container);
  if (integer(random, 2) === 0) reap(machine.world, container);
}

/** A container does as it likes with what it has. */
function meddle(state: Play): void {
  const { machine, containers, random, told } = state;
  const { world } = machine;
  const namespace = containers.get(pick(random, IDS))?.namespace;
  const links = Array.from(namespace?.links.values() ?? []).filter(({ name }) => name !== "lo");
  if (links.length === 0) return;
  const link = pick(random, links);
  const deeds: Record<string, () => void> = {
    rename: () => change(world, link, { name: pick(random, NAMES) }),
    mac: () => change(world, link, { mac: `02:00:00:00:01:0${integer(random, 10)}` }),
    mtu: () => change(world, link, { mtu: pick(random, [1000, 1280, 1350]) }),
    down: () => change(world, link, { up: false, txqueuelen: 5, group: 3, alias: "mine" }),
    altname: () => addAltname(link, pick(random, NAMES)),
    "no altname": () => deleteAltname(link, link.altnames[0] ?? ""),
    address: () => addProven(world, link, address(`192.0.2.${integer(random, 5)}`, 24)),
    flush: () => flush(link),
    delete: () => link.kind !== null && integer(random, 3) === 0 && deleteLink(world, link),
  };
  const deed = pick(random, Object.keys(deeds));
  told.push(`${deed} ${link.name} inside`);
  try {
    deeds[deed]?.();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

/** Somebody makes a device on the host that has a name which another one will want. */
function strangerComes(state: Play): void {
  const { machine, random, strangers, told } = state;
  const { home, world } = machine;
  const name = pick(random, ["d0", "d1", "d3", "eth0", "netdevd0"]);
  told.push(`stranger ${name}`);
  try {
    const ifindex = pick(random, Object.values(state.before)).device.ifindex;
    const spec = home.links.has(ifindex) || integer(random, 2) === 0 ? {} : { ifindex };
    strangers.add(addLink(world, home, { name, kind: "ifb", ...spec }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

function strangerGoes({ machine, strangers, told }: Play): void {
  const [stranger] = strangers;
  if (stranger === undefined) return;
  told.push(`stranger ${stranger.name} goes`);
  strangers.delete(stranger);
  deleteLink(machine.world, stranger);
}

/** The daemon is killed, and another one started, which may be killed in its turn. */
async function restart(state: Play): Promise<void> {
  const { machine, random, told } = state;
  told.push(`kill the daemon after ${state.fuse.effects} effects`);
  state.daemon[Symbol.dispose]();
  state.verdicts.length = 0;
  state.fuse = createFuse(integer(random, 3) === 0 ? 1 + integer(random, 40) : undefined);
  state.daemon = await startDaemon(machine, {
    mappings: MAPPINGS,
    fuse: state.fuse,
    kernel: (kernel) => unevenKernel(kernel, random),
  });
}

/** Some turns pass, or all that is under way comes to its end. */
async function wait(state: Play): Promise<void> {
  const { daemon, fuse, random, told } = state;
  told.push("wait");
  for (let turns = integer(random, 60); turns > 0; turns--) await Promise.resolve();
  if (integer(random, 3) === 0) await Promise.race([daemon.settle(), fuse.burnt]);
}

async function end(state: Play): Promise<Ending> {
  const { machine, strangers } = state;
  state.daemon[Symbol.dispose]();
  for (const container of state.started) reap(machine.world, container);
  for (const stranger of strangers) deleteLink(machine.world, stranger);
  const daemon = await startDaemon(machine, { mappings: MAPPINGS });
  await daemon.settle();
  await daemon.retry();
  await daemon.settle();
  const isThere = (name: string) => {
    const link = state.devices.get(name);
    return link?.namespace.links.get(link.ifindex) === link;
  };
  const expected = Object.entries(state.before).filter(([name]) => isThere(name));
  return {
    told: state.told,
    machine,
    expected: withoutNumbers(Object.fromEntries(expected)),
    found: withoutNumbers(pictureOf(machine.world, machine.home)),
    daemon,
  };
}
