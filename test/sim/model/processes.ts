import { hold, letGo } from "./lifetime.ts";
import type { Namespace } from "./namespaces.ts";
import type { World } from "./world.ts";

/** A process, or a thread that is not the first of its process. */
export interface Process {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks of 10 ms since boot. */
  readonly startTime: number;
  /** null: it has ended; a zombie has no namespaces. */
  namespace: Namespace | null;
  readonly isThread: boolean;
}

const MS_PER_TICK = 10;

/** Starts a process in a namespace, under the next pid or under one that is free again. */
export function spawn(
  world: World,
  namespace: Namespace,
  options: { readonly pid?: number; readonly isThread?: boolean } = {},
): Process {
  const pid = options.pid ?? world.lastPid + 1;
  if (world.processes.has(pid)) throw new Error(`pid ${pid} is taken`);
  world.lastPid = Math.max(world.lastPid, pid);
  const startTime = Math.floor(world.now / MS_PER_TICK);
  const process: Process = { pid, startTime, namespace, isThread: options.isThread ?? false };
  world.processes.set(pid, process);
  hold(namespace);
  return process;
}

/** SIGKILL: what is left is a zombie, until its parent takes notice. */
export function kill(world: World, process: Process): void {
  const { namespace } = process;
  if (namespace === null) return;
  process.namespace = null;
  for (const told of world.onExit) told(process);
  letGo(world, namespace);
}

/** wait(2): the pid is free again. */
export function reap(world: World, process: Process): void {
  kill(world, process);
  if (world.processes.get(process.pid) === process) world.processes.delete(process.pid);
}
