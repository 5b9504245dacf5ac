import type { ContainerStatus, Target } from "../../../src/domain/event.ts";
import { containerEvent, releaseEvent } from "../../unit/engine/events.ts";
import { change } from "../../unit/engine/host.ts";
import { addNamespace, hold, letGo } from "../model/lifetime.ts";
import { attachmentsOf } from "../model/memory-journal.ts";
import { linkNamed, type Namespace } from "../model/namespaces.ts";
import { kill, reap, spawn } from "../model/processes.ts";
import { integer, pick, type Random } from "../model/random.ts";
import { anyBundle, askedBy } from "./bundles.ts";
import { allowed } from "./inside-deeds.ts";
import { explained, giveUp, heldDevices } from "./ledger.ts";
import { IDS, UNMAPPED } from "./mappings.ts";
import { type Container, disown, type Stage, send, tell } from "./stage.ts";
import { count } from "./tally.ts";

/** What runtimes and containers do, and what they say of it. */

/** A container starts, alone or in the namespace of another one, and its runtime says so. */
export function startContainer(stage: Stage, random: Random): void {
  const living = stage.containers.filter(isAlive);
  startIn(stage, random, living.length > 0 && integer(random, 4) === 0 ? pick(random, living) : null);
}

/** Containers that are made for each other, one soon after the other. */
export async function startPod(stage: Stage, random: Random): Promise<void> {
  const first = startIn(stage, random, null);
  count(stage.tally, "pods");
  for (let left = 1 + integer(random, 2); left > 0; left--) {
    for (let turns = integer(random, 4) * integer(random, 60); turns > 0; turns--) await Promise.resolve();
    startIn(stage, random, first);
  }
}

/** @param sharing whose namespace it is in; null: one of its own */
function startIn(stage: Stage, random: Random, sharing: Container | null): Container {
  const id = pick(random, sharing === null || integer(random, 2) === 0 ? IDS : UNMAPPED);
  const { machine, containers, tally } = stage;
  const { world } = machine;
  const netns = sharing?.netns ?? addNamespace(world);
  const process = spawn(world, netns);
  const path = sharing?.path ?? (integer(random, 4) === 0 ? mountNamespace(stage, netns) : null);
  if (sharing !== null) count(tally, "containers in the namespace of another one");
  const before = containers.findLast((one) => one.id === id);
  if (before !== undefined && isAlive(before) && integer(random, 2) === 0) endContainer(stage, before);
  const container: Container = { id, process, netns, path, bundle: bundleFor(id, random, sharing) };
  containers.push(container);
  count(tally, "containers");
  tell(
    stage,
    `${id} starts as pid ${process.pid} in namespace ${netns.cookie}${path === null ? "" : ` ${path}`}`,
  );
  if (integer(random, 8) === 0) moveByRuntime(stage, container);
  sendAttach(stage, random, container);
  return container;
}

/** A runtime that knows of `linux.netDevices` carries it out before it calls its hooks. */
function moveByRuntime({ ledger, machine, tally, trace }: Stage, { bundle, netns }: Container): void {
  const { home, rows, world } = machine;
  const held = heldDevices(ledger, attachmentsOf(rows));
  for (const [at, { hostName, name }] of askedBy(bundle).entries()) {
    const link = linkNamed(home, hostName);
    const known = link === null ? undefined : ledger.known.get(link);
    if (link === null || known === undefined || held.has(known)) continue;
    const inside = (name ?? hostName).replace("%d", String(3 + at));
    allowed(() =>
      explained(ledger, "fell with its runtime's", () =>
        change(world, link, { target: netns, name: inside }),
      ),
    );
    if (link.namespace === home) continue;
    trace.push(`${hostName} is moved to namespace ${netns.cookie} as ${inside} by the runtime`);
    count(tally, "moved by their runtime");
    giveUp(ledger, known, "was moved by its runtime");
    ledger.othersNumbers.add(known.ifindex);
  }
}

/** Containers of a pod are made for each other, and often ask for the same. */
function bundleFor(id: string, random: Random, beside: Container | null = null): string {
  return beside !== null && integer(random, 3) === 0
    ? beside.bundle
    : anyBundle(random, UNMAPPED.includes(id));
}

/** The same is said again. */
export function sayAgain(stage: Stage, random: Random): void {
  if (stage.containers.length === 0) return;
  count(stage.tally, "events again");
  sendAttach(stage, random, pick(random, stage.containers));
}

/** `stopped`, with or without its pid, whether it is so or not. */
export function sayStopped(stage: Stage, random: Random): void {
  const id = pick(random, IDS);
  const container = stage.containers.findLast((one) => one.id === id);
  const pid = container !== undefined && integer(random, 3) === 0 ? container.process.pid : null;
  count(stage.tally, container !== undefined && isAlive(container) ? "stopped while alive" : "stopped");
  sendStatus(stage, id, "stopped", pid === null ? null : { by: "pid", pid });
}

export function sayRelease(stage: Stage, random: Random): void {
  const id = integer(random, 3) === 0 ? null : pick(random, IDS);
  count(stage.tally, id === null ? "released, all" : "released");
  stage.dropped += 1;
  send(stage, { ...releaseEvent(id), name: `e${stage.dropped}` });
}

/** An event that names what cannot be meant. */
export function sayNonsense(stage: Stage, random: Random): void {
  const { machine, tally } = stage;
  machine.world.files.set("/etc/hostname", null);
  const target = pick<Target>(random, [
    { by: "pid", pid: 0 },
    { by: "pid", pid: 1 },
    { by: "pid", pid: 999_999 },
    { by: "netns", path: "/run/netns/none" },
    { by: "netns", path: "/etc/hostname" },
    { by: "netns", path: "/run/netns/home" },
  ]);
  count(tally, "impossible targets");
  sendStatus(stage, pick(random, IDS), "running", target);
}

/** SIGKILL. */
export function killContainer(stage: Stage, random: Random): void {
  const living = stage.containers.filter(isAlive);
  if (living.length === 0) return;
  const container = pick(random, living);
  endContainer(stage, container);
  if (integer(random, 2) === 0) reap(stage.machine.world, container.process);
}

/** A container ends, and its pid is another process's in no time, which may be a container as well. */
export function reusePid(stage: Stage, random: Random): void {
  const { containers, machine, tally } = stage;
  const { world } = machine;
  const ended = containers.filter((one) => !isAlive(one));
  const living = containers.filter(isAlive);
  const old = pick(
    random,
    ended.length > 0 && integer(random, 2) === 0 ? ended : living.length > 0 ? living : [null],
  );
  if (old === null) return;
  if (isAlive(old)) endContainer(stage, old);
  reap(world, old.process);
  const { pid } = old.process;
  if (world.processes.has(pid)) return;
  const id = pick(random, IDS);
  const netns = addNamespace(world);
  const container: Container = {
    id,
    process: spawn(world, netns, { pid }),
    netns,
    path: null,
    bundle: bundleFor(id, random),
  };
  containers.push(container);
  count(tally, "pids reused");
  tell(stage, `pid ${pid} of ${old.id} is ${id}'s now, in namespace ${netns.cookie}`);
  if (integer(random, 2) === 0) sendAttach(stage, random, container);
}

/** `ip netns delete`. */
export function unmountNamespace(stage: Stage, random: Random): void {
  const { containers, machine } = stage;
  const mounted = containers.filter(({ path }) => path !== null && machine.world.files.has(path));
  if (mounted.length > 0) unmount(stage, pick(random, mounted).path ?? "");
}

/** Whether its process has not ended. */
export function isAlive({ process }: Container): boolean {
  return process.namespace !== null;
}

/** Its process ends. */
export function endContainer(stage: Stage, container: Container): void {
  const { id, process, path } = container;
  tell(stage, `${id} is killed, pid ${process.pid}`);
  count(stage.tally, "containers killed");
  if (stage.owners.get(id)?.container === container && path === null) disown(stage, id);
  kill(stage.machine.world, process);
}

/** A namespace is under this path no more. */
export function unmount(stage: Stage, path: string): void {
  const { world } = stage.machine;
  const namespace = world.files.get(path);
  if (!namespace) return;
  tell(stage, `${path} is unmounted`);
  count(stage.tally, "namespaces unmounted");
  for (const one of stage.containers) if (one.path === path) disown(stage, one.id);
  world.files.delete(path);
  letGo(world, namespace);
}

function mountNamespace(stage: Stage, netns: Namespace): string {
  const path = `/run/netns/n${netns.cookie}`;
  if (stage.machine.world.files.has(path)) return path;
  hold(netns);
  stage.machine.world.files.set(path, netns);
  return path;
}

function sendAttach(stage: Stage, random: Random, container: Container): void {
  const { id, path, process } = container;
  const status = pick(random, ["creating", "created", "running"] as const);
  const target: Target = path === null ? { by: "pid", pid: process.pid } : { by: "netns", path };
  if (path !== null) count(stage.tally, "events by path");
  sendStatus(stage, id, status, target, container);
}

function sendStatus(
  stage: Stage,
  id: string,
  status: ContainerStatus,
  target: Target | null,
  container: Container | null = null,
): void {
  stage.dropped += 1;
  const bare = containerEvent(stage.machine, id, status, target, `e${stage.dropped}`);
  const event = container === null ? bare : { ...bare, bundle: container.bundle };
  if (container !== null) {
    stage.meant.set(event, container);
    if (stage.allow !== null)
      stage.asked.set(
        event,
        askedBy(container.bundle).map(({ hostName }) => hostName),
      );
    // Another one under the same id: whose the devices are is open until it is answered.
    if (stage.owners.get(id)?.container !== container) disown(stage, id);
  }
  send(stage, event);
}
