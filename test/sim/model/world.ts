import type { Namespace } from "./namespaces.ts";
import type { Process } from "./processes.ts";
import type { Random } from "./random.ts";

/** Something that the kernel does later by itself. */
interface Timer {
  /** CLOCK_BOOTTIME, milliseconds. */
  readonly at: number;
  readonly run: () => void;
}

/**
 * All that the model kernel knows. Plain data, changed by the functions of this folder alone; time stands
 * still until {@link advance} is called.
 */
export interface World {
  /** CLOCK_BOOTTIME, milliseconds. */
  now: number;
  /** CLOCK_REALTIME at boot, milliseconds; whoever sets the clock changes it. */
  bootedAt: number;
  /** Notifications that fit into a subscriber's receive buffer. */
  monitorCapacity: number;
  readonly random: Random;
  /** Those that are; the first one is init_net, to which hardware returns. */
  readonly namespaces: Namespace[];
  /** By pid, until they are reaped. */
  readonly processes: Map<number, Process>;
  /** What is to be found under a path: a namespace that is bind-mounted there, or any other file (null). */
  readonly files: Map<string, Namespace | null>;
  /** Told of each process that ends: a pidfd has become readable. */
  readonly onExit: Set<(process: Process) => void>;
  readonly timers: Timer[];
  lastCookie: number;
  lastPid: number;
}

/** CLOCK_REALTIME at boot, milliseconds, before anybody sets the clock. */
export const BOOT_WALL_TIME = Date.UTC(2026, 0, 1);
/** As many notifications as fit into the receive buffer that the daemon asks for. */
const MONITOR_CAPACITY = 4096;

/** A world that was booted a second ago, without any namespace yet. */
export function createWorld(random: Random): World {
  return {
    now: 1000,
    bootedAt: BOOT_WALL_TIME,
    monitorCapacity: MONITOR_CAPACITY,
    random,
    namespaces: [],
    processes: new Map(),
    files: new Map(),
    onExit: new Set(),
    timers: [],
    lastCookie: 2,
    lastPid: 1000,
  };
}

/** CLOCK_REALTIME, milliseconds. */
export function wallTime(world: World): number {
  return world.bootedAt + world.now;
}

/** Has the kernel do something `delay` milliseconds from now. */
export function later(world: World, delay: number, run: () => void): void {
  world.timers.push({ at: world.now + delay, run });
}

/** Lets time pass, and what is due in it happen. */
export function advance(world: World, milliseconds: number): void {
  const end = world.now + milliseconds;
  for (;;) {
    const due = world.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    const [next] = due;
    if (next === undefined) break;
    world.timers.splice(world.timers.indexOf(next), 1);
    world.now = Math.max(world.now, next.at);
    next.run();
  }
  world.now = end;
}
