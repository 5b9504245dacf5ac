import { SyscallError } from "../../ffi/errno.ts";
import type { Target } from "../domain/event.ts";
import type { Code, Problem } from "../domain/verdict.ts";
import type { System } from "./system.ts";

/** A target that stood up to being looked at: fds that the caller owns. */
export type Examined =
  | {
      readonly ok: true;
      readonly namespace: number;
      readonly process: { readonly pidfd: number; readonly startTime: number } | null;
      /** How the event named it, for messages. */
      readonly text: string;
    }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Start times are told in ticks of 10 ms, and a file's times are those of the last timer tick (up to 10 ms
 * ago): within this much, order cannot be told.
 */
const CLOCK_SLACK_MS = 20;
/** sysconf(_SC_CLK_TCK): 100 in every Linux ABI. */
const MS_PER_TICK = 10;

/**
 * Looks at what an event names without side effects, and opens it if it is what an event may name.
 *
 * @param writtenAt when the event was written, CLOCK_BOOTTIME milliseconds, which start times are told in and nobody sets
 */
export function examine(system: System, target: Target, writtenAt: number): Examined {
  return target.by === "pid" ? examinePid(system, target.pid, writtenAt) : examinePath(system, target.path);
}

/** Closes what was opened of a target. */
export function discard(system: System, { namespace, process }: Extract<Examined, { ok: true }>): void {
  system.close(namespace);
  if (process !== null) system.close(process.pidfd);
}

function examinePid(system: System, pid: number, writtenAt: number): Examined {
  if (pid <= 1) {
    const what = pid === 1 ? "pid 1 is the init process of the host" : `pid ${pid} is no process`;
    return refused("pid-not-allowed", `${what}: the event has to name the container's own process`);
  }
  const gone = `process ${pid} has ended: its namespace can no longer be reached by it`;
  let pidfd: number;
  try {
    pidfd = system.openPidfd(pid);
  } catch (error) {
    // A thread that is not the leader of its process has no pidfd: EINVAL, or ENOENT since Linux 6.9 or so.
    if (isOne(error, "ESRCH", "EINVAL", "ENOENT")) return refused("process-gone", gone);
    throw error;
  }
  let namespace: number | null = null;
  try {
    const startTime = system.startTime(pid);
    if (startTime === null) return refused("process-gone", gone);
    if (startedAfter(startTime, writtenAt)) {
      const message = `process ${pid} started after the event was written: the one that was meant has ended, and its pid is another's now`;
      return refused("pid-reused", message);
    }
    namespace = openOrNull(system, `/proc/${pid}/ns/net`);
    // Both were found by number: that the process still lives says that they are of one and the same.
    if (namespace === null || system.hasExited(pidfd)) return refused("process-gone", gone);
    const examined = { ok: true, namespace, process: { pidfd, startTime }, text: `process ${pid}` } as const;
    namespace = null;
    pidfd = -1;
    return examined;
  } finally {
    if (namespace !== null) system.close(namespace);
    if (pidfd >= 0) system.close(pidfd);
  }
}

/**
 * Whether a process started after an event was written: it is not the one that was meant.
 *
 * @param startTime clock ticks since boot
 * @param writtenAt CLOCK_BOOTTIME milliseconds
 */
export function startedAfter(startTime: number, writtenAt: number): boolean {
  return startTime * MS_PER_TICK > writtenAt + CLOCK_SLACK_MS;
}

function examinePath(system: System, path: string): Examined {
  const namespace = system.openNamespace(path);
  if (typeof namespace === "string") {
    const what = namespace === "something else" ? "is no network namespace" : "does not exist";
    return refused("not-a-namespace", `${path} ${what}: \`netns\` has to be a path such as /run/netns/NAME`);
  }
  return { ok: true, namespace, process: null, text: path };
}

/** null: an exited process has no namespaces any more, reaped or not. */
function openOrNull(system: System, path: string): number | null {
  try {
    return system.open(path);
  } catch (error) {
    if (isOne(error, "ENOENT", "ESRCH")) return null;
    throw error;
  }
}

function isOne(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof SyscallError && codes.includes(error.code);
}

function refused(code: Code, message: string): Examined {
  return { ok: false, problem: { code, message, device: null } };
}

/** Why a target in the host's own namespace is refused; see {@link Examined} for `text`. */
export function hostNamespace(text: string): Problem {
  const message = `${text} is in the host's own namespace: a container without a network namespace of its own has every device already`;
  return { code: "host-namespace", message, device: null };
}
