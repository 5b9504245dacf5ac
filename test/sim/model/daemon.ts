import { namespacesOf } from "../../../src/domain/attachment.ts";
import type { Mapping } from "../../../src/domain/mapping.ts";
import { indexed, type Mappings } from "../../../src/domain/mappings.ts";
import type { WayHomeEnd } from "../../../src/domain/way-home.ts";
import type { Others } from "../../../src/engine/aftercare.ts";
import type { Bundles } from "../../../src/engine/asked.ts";
import { createEngine, type Engine } from "../../../src/engine/engine.ts";
import type { Journal } from "../../../src/engine/journal.ts";
import type { Kernel } from "../../../src/engine/kernel.ts";
import { KernelService } from "../../../src/engine/kernel-service.ts";
import { localKernel } from "../../../src/engine/local-kernel.ts";
import type { Log } from "../../../src/engine/log.ts";
import { notice } from "../../../src/engine/notice.ts";
import type { Pins } from "../../../src/engine/pins.ts";
import { createRegistry } from "../../../src/engine/registry.ts";
import type { System } from "../../../src/engine/system.ts";
import {
  createFuse,
  type Fuse,
  fusedJournal,
  fusedKernel,
  fusedPins,
  fusedReturned,
  fusedSystem,
} from "./faults.ts";
import { memoryJournal, memoryReturned, type Rows } from "./memory-journal.ts";
import type { Namespace } from "./namespaces.ts";
import { modelPins } from "./pins.ts";
import { createSystem, type ModelSystem } from "./system.ts";
import { advance, later, type World, wallTime } from "./world.ts";

/** What daemons of one state folder live on, one after another. */
export interface Machine {
  readonly world: World;
  readonly home: Namespace;
  readonly rows: Rows;
  /** JSON of devices that came home a moment ago, by ifindex. */
  readonly returned: Map<number, string>;
}

export interface DaemonOptions {
  readonly mappings: readonly Mapping[];
  /** What bundles ask for, and may; by default nothing is asked of them. */
  readonly bundles?: Bundles;
  /** What the daemon takes for its system; by default the model's as it is. */
  readonly system?: (system: System) => System;
  readonly journal?: (journal: Journal) => Journal;
  readonly kernel?: (kernel: Kernel) => Kernel;
  /** Who else acts on devices at home; by default nobody. */
  readonly others?: Others;
  readonly pins?: (pins: Pins) => Pins;
  /** Told of each line beside {@link Daemon.log}. */
  readonly onLog?: Log;
  readonly wayHomeEnded?: (end: WayHomeEnd) => void;
  /** Kills the daemon at one of its effects. */
  readonly fuse?: Fuse;
}

/** A daemon of the model: the real engine with the real kernel service. Disposing kills it. */
export interface Daemon extends Disposable {
  readonly engine: Engine;
  readonly service: KernelService;
  /** `level: message` of what it has logged. */
  readonly log: readonly string[];
  /** How many fds and sockets it has open. */
  openCount(): number;
  /** Cookies of the namespaces that it has an fd of, home aside. */
  heldCookies(): string[];
  /** Waits until nothing is under way, exits of processes included. */
  settle(): Promise<void>;
  /** A while later, what is stuck is tried again, and what is inside looked at. */
  retry(): Promise<void>;
}

/** The mappings in force, indexed anew when they are others. */
function mappingsOf(options: DaemonOptions): () => Mappings {
  let { mappings } = options;
  let index = indexed(mappings);
  return () => {
    if (options.mappings !== mappings) {
      mappings = options.mappings;
      index = indexed(mappings);
    }
    return index;
  };
}

/** How often the daemon tries again what is stuck, milliseconds. */
const RETRY_MS = 5000;

/** Starts a daemon and has it take up what the last one left. */
export async function startDaemon(machine: Machine, options: DaemonOptions): Promise<Daemon> {
  const own = createSystem(machine.world, machine.home);
  try {
    return await startOn(own, machine, options);
  } catch (error) {
    own[Symbol.dispose]();
    throw error;
  }
}

async function startOn(own: ModelSystem, machine: Machine, options: DaemonOptions): Promise<Daemon> {
  const { world, home, rows } = machine;
  const { fuse = createFuse() } = options;
  const log: string[] = [];
  const exits: Promise<void>[] = [];
  const given = options.system?.(own) ?? own;
  const system = fusedSystem(given, fuse);
  const kept = options.journal?.(memoryJournal(rows)) ?? memoryJournal(rows);
  const journal = fusedJournal(kept, fuse);
  const bare = modelPins(world, own.namespaceOf);
  const pins = options.pins?.(bare) ?? bare;
  const service = new KernelService(
    system,
    (news) => {
      if (news.type === "exit") exits.push(engine.exited(news.watch));
      // What is stuck is tried again by `retry` alone: when, is for the test to say.
      if (news.type === "home-changed") engine.homeChanged();
      if (news.type === "departed") exits.push(engine.departed(news));
      if (news.type === "departures-lost") exits.push(engine.departuresLost(news.from));
    },
    fusedPins(pins, fuse),
  );
  const local = localKernel(service);
  const uneven = options.kernel?.(local) ?? local;
  const kernel = fusedKernel(uneven, fuse);
  const inForce = mappingsOf(options);
  const engine = createEngine({
    kernel,
    registry: createRegistry(journal, () => undefined),
    log(level, message, fields) {
      log.push(`${level}: ${message}`);
      options.onLog?.(level, message, fields);
    },
    now: () => wallTime(world),
    uptime: () => world.now,
    sleep: async (milliseconds) => advance(world, milliseconds),
    alarm(milliseconds, ring) {
      let isOff = false;
      later(world, milliseconds, () => isOff || ring());
      return () => {
        isOff = true;
      };
    },
    aftercare: options.others
      ? { others: options.others, returned: fusedReturned(memoryReturned(machine.returned), fuse) }
      : null,
    mappings: inForce,
    wayHomeEnded: options.wayHomeEnded,
    bundles: options.bundles ?? null,
  });
  // As the kernel worker's poll(2) does: between two calls.
  const look = () => {
    if (!world.onExit.has(lookSoon)) return;
    service.chase();
    notice(service);
    service.reap();
  };
  const lookSoon = () => queueMicrotask(look);
  world.onExit.add(lookSoon);
  own.onReady = lookSoon;
  const begin = async () => {
    await engine.recover();
    await kernel.unpinOthers(engine.attachments().flatMap(namespacesOf));
  };
  try {
    await Promise.race([begin(), fuse.burnt]);
  } catch (error) {
    fuse.burn();
    world.onExit.delete(lookSoon);
    throw error;
  }
  return {
    engine,
    service,
    log,
    openCount: () => own.openCount,
    heldCookies: () => own.heldCookies().filter((cookie) => cookie !== String(home.cookie)),
    async settle() {
      do {
        look();
        await Promise.all(exits.splice(0));
        await engine.idle();
      } while (exits.length > 0);
    },
    async retry() {
      advance(world, RETRY_MS);
      await engine.retryStuck();
      await engine.audit();
    },
    [Symbol.dispose]() {
      fuse.burn();
      world.onExit.delete(lookSoon);
      own.onReady = null;
      own[Symbol.dispose]();
    },
  };
}
