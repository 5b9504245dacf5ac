import { readdirSync, readFileSync } from "node:fs";
import type { ProcessFacts } from "../http/metrics.ts";

/** What this process takes of the system right now. */
export function processFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    startTime: performance.timeOrigin / 1000,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    // The folder's own, while it is read, is one of them.
    openFds: readdirSync("/proc/self/fd").length - 1,
    maxFds: maxFds(readFileSync("/proc/self/limits", "utf8")),
  };
}

/** The soft limit in the text of /proc/PID/limits (proc_pid_limits(5)). */
export function maxFds(limits: string): number {
  const [, soft] = /^Max open files +(\S+)/m.exec(limits) ?? [];
  return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
