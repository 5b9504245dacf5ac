import type { SpoolEvent } from "../../../src/domain/event.ts";
import type { Mapping } from "../../../src/domain/mapping.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { LogFields } from "../../../src/engine/log.ts";
import type { Daemon, Machine } from "../model/daemon.ts";
import type { Fuse } from "../model/faults.ts";
import type { Link } from "../model/links.ts";
import type { Namespace } from "../model/namespaces.ts";
import type { Process } from "../model/processes.ts";
import type { Random } from "../model/random.ts";
import { giveUp, type Ledger } from "./ledger.ts";
import { drop, type Entry, type Spool } from "./spool.ts";
import { count, type Tally } from "./tally.ts";
import type { Troubles } from "./troubles.ts";

/** A container: a process in a namespace, which may be bind-mounted under a path as well. */
export interface Container {
  readonly id: string;
  process: Process;
  readonly netns: Namespace;
  readonly path: string | null;
  /** The folder of its bundle. */
  readonly bundle: string;
}

/** A container that was told that it has its devices. */
export interface Owner {
  readonly container: Container;
  /** Their names on the host. */
  readonly devices: readonly string[];
  /** It was told that it is a holder of all of them, as far as nothing else was told. */
  readonly isHolderOfAll: boolean;
}

/** A history under way. */
export interface Stage {
  readonly machine: Machine;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly troubles: Troubles;
  readonly tally: Tally;
  /** What was done and what came of it, for whoever has to find out what went wrong. */
  readonly trace: string[];
  /** All that ever were, the newest last. */
  readonly containers: Container[];
  /** Processes that keep namespaces which containers have made. */
  readonly nested: Process[];
  /** Devices of others at home. */
  readonly strangers: Set<Link>;
  /** Containers that were told that they have their devices, and have done nothing since to lose them. */
  readonly owners: Map<string, Owner>;
  /** What bundles ask for, by the event that names them; not where the config was reloaded meanwhile. */
  readonly asked: Map<SpoolEvent, readonly string[]>;
  /** Names of events whose containers could not be put on record as holders of what they share. */
  readonly unheld: Set<string>;
  /** What is wrong already, seen when it happened. */
  readonly faults: string[];
  /** How the order of things under way is shuffled. */
  readonly shuffle: Random;
  mappings: readonly Mapping[];
  /** What bundles may ask for; null: they are not read. */
  allow: readonly string[] | null;
  /** null: none runs. */
  daemon: Daemon | null;
  fuse: Fuse;
  /** Which container an event asks for devices for. */
  readonly meant: Map<SpoolEvent, Container>;
  /** Events that were dropped, for their names. */
  dropped: number;
}

/** Adds a line to the trace. */
export function tell(stage: Stage, text: string): void {
  stage.trace.push(text);
}

/** Drops an event into the spool, where a daemon that runs takes it at once. */
export function send(stage: Stage, event: SpoolEvent): void {
  const { target } = event.type === "container" ? event : { target: null };
  const where = target === null ? "" : target.by === "pid" ? ` pid ${target.pid}` : ` ${target.path}`;
  const status = event.type === "container" ? event.status : "release";
  const asked = event.type === "container" && event.status !== "stopped" ? ` bundle ${event.bundle}` : "";
  tell(stage, `event ${event.name}: ${status} ${event.id ?? "all"}${where}${asked}`);
  const entry = drop(stage.spool, event);
  if (event.type === "release") {
    const ids = endedBy(stage, event.id);
    for (const id of ids) disown(stage, id);
    // What they share may go home before they are told what they have.
    for (const attach of stage.asked.keys()) if (ids.includes(attach.id ?? "")) stage.asked.delete(attach);
  } else if (event.status === "stopped") disown(stage, event.id);
  if (stage.daemon !== null) hand(stage, stage.daemon, entry);
  else count(stage.tally, "events while no daemon ran");
}

/** Gives an event to the daemon. Whether that lives long enough to answer is another question. */
export function hand(stage: Stage, daemon: Daemon, entry: Entry): void {
  const { fuse, troubles } = stage;
  const { event } = entry;
  const isAlone = stage.spool.open.size === 1 && isIdle(stage, daemon);
  const isKnown = event.id === null || daemon.engine.isHolder(event.id);
  const before = { changes: troubles.changes, trace: stage.trace.length };
  void daemon.engine.handle(event).then((verdict) => {
    // Whoever was killed writes no verdict any more.
    if (stage.daemon !== daemon || fuse.isBurnt) return;
    stage.spool.open.delete(entry);
    entry.verdicts.push(verdict);
    const touched = troubles.changes - before.changes;
    const isUndisturbed = isAlone && stage.trace.length === before.trace;
    if (isUndisturbed && !isKnown && verdict.outcome === "refused") {
      count(stage.tally, "refusals that were looked at by themselves");
      if (touched > 0) stage.faults.push(`${event.name} was refused, and ${touched} requests were made`);
    }
    answered(stage, event, verdict);
  });
}

/**
 * The devices of a container come home by a `release` of any that shares its namespace; or that had its pid before, and
 * whose event was read only when the pid was this one's.
 */
function endedBy({ containers }: Stage, id: string | null): string[] {
  const meant = containers.filter((one) => id === null || one.id === id);
  const namespaces = new Set(meant.map(({ netns }) => netns));
  const pids = new Set(meant.map(({ process }) => process.pid));
  const isMeant = ({ netns, process }: Container) => namespaces.has(netns) || pids.has(process.pid);
  return containers.filter(isMeant).map((one) => one.id);
}

function isIdle({ machine }: Stage, { engine }: Daemon): boolean {
  const lives = (pid: number | null) => pid === null || machine.world.processes.get(pid)?.namespace != null;
  return engine
    .attachments()
    .every(
      ({ state, holders }) =>
        (state === "attached" || state === "stuck") &&
        holders.every(({ pid, ended }) => !ended && lives(pid)),
    );
}

function answered(stage: Stage, event: SpoolEvent, verdict: Verdict): void {
  const { outcome, error, warnings, devices } = verdict;
  const what = [outcome, error === null ? "" : `${error.code} (${error.message})`];
  const inside = devices.map((device) => `${device.host_name} as ${device.name}`);
  tell(stage, `  verdict ${event.name}: ${[...what, ...inside].filter((part) => part !== "").join(", ")}`);
  count(stage.tally, `verdict ${outcome}`);
  for (const { code } of [...warnings, ...(error === null ? [] : [error])])
    count(stage.tally, `code ${code}`);
  if (event.type !== "container" || event.status === "stopped") return;
  if (outcome !== "attached" && outcome !== "unchanged") return;
  // Of one that has ended meanwhile what it shared may have gone already.
  const hasEnded = stage.meant.get(event)?.process.namespace === null;
  if (outcome === "attached" && !hasEnded) stage.faults.push(...withheld(stage, event, verdict));
  const held = stage.daemon?.engine
    .attachments()
    .filter(({ holders }) => holders.some((one) => one.id === event.id));
  if (outcome === "attached" && held !== undefined && held.length > 1)
    count(stage.tally, "containers that share a part");
  const { id } = event;
  const container = stage.meant.get(event);
  const stopped = stage.spool.entries.some(
    (other) =>
      other.event !== event &&
      stage.spool.open.has(other) &&
      ((other.event.id ?? id) === id ||
        (other.event.type === "release" && endedBy(stage, other.event.id).includes(id))),
  );
  if (container?.process.namespace === null) disown(stage, id);
  if (container === undefined || stopped || container.process.namespace === null) return;
  const { path } = container;
  // Known by a process already, it has its devices for as long as that lives.
  const isByProcess = stage.daemon?.engine
    .attachments()
    .some(({ holders }) =>
      holders.some(
        (holder) => holder.id === id && holder.pid !== null && holder.pid !== container.process.pid,
      ),
    );
  if (path !== null && isByProcess) return;
  if (path === null || stage.machine.world.files.has(path)) {
    const isHolderOfAll = !stage.unheld.has(event.name);
    stage.owners.set(id, { container, devices: devices.map((one) => one.host_name), isHolderOfAll });
  }
}

/** Devices that a bundle asks for, and whose container starts without. */
function withheld({ asked, mappings }: Stage, event: SpoolEvent, verdict: Verdict): string[] {
  const told = [
    ...verdict.devices.map((device) => device.host_name),
    ...verdict.warnings.filter(({ code }) => code === "moved-by-runtime").map(({ device }) => device),
    // What a mapping names is as the mapping has it, and another container of the namespace may have that.
    ...mappings
      .filter(({ name }) => name === verdict.mapping)
      .flatMap(({ devices }) => devices.map(({ match }) => match.name)),
  ];
  const names = asked.get(event)?.filter((name) => !told.includes(name)) ?? [];
  return names.map((name) => `${event.name} is attached, and not told of ${name}, which its bundle asks for`);
}

/** The container may lose its devices from here on; null: all may. */
export function disown(stage: Stage, id: string | null): void {
  if (id === null) stage.owners.clear();
  else stage.owners.delete(id);
}

/** What the daemon says, into the trace. */
export function logged(stage: Stage, level: string, message: string, fields: LogFields): void {
  tell(stage, `  ${level}: ${message}`);
  if (fields.code === "internal") stage.faults.push(`internal: ${message}`);
  if (message.startsWith("the container is not told as a holder")) stage.unheld.add(String(fields.event));
  if (message.startsWith("container shares")) count(stage.tally, "containers that share devices");
  for (const known of stage.ledger.known.values()) {
    if (!known.pictures.some(({ device }) => device.name === fields.device)) continue;
    if (fields.code === "left-inside") giveUp(stage.ledger, known, "was left inside");
    if (fields.code === "not-as-wanted") known.isToldChanged = true;
  }
}
