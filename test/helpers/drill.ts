import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { childrenOf, isDying } from "./proc.ts";
import { netdevd } from "./program.ts";
import { until } from "./until.ts";

/** A `netdevd drill` that is under way. */
export interface Drill {
  readonly pid: number;
  /** The watchdog's pid, while it is the drill's child. */
  watchdog(): number;
  /** What it and its watchdog have told so far. */
  told(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
  signalCode(): number | NodeJS.Signals | null;
  /** Pids of all watchdogs that have been seen. */
  readonly seen: ReadonlySet<number>;
}

let drills = 0;

/** Starts `netdevd drill DEVICE ARGS` on a lab's host. */
export function startDrill(lab: Lab, ...args: readonly string[]): Drill {
  return startDrillBehind([], lab, ...args);
}

/** {@link startDrill}, behind a command that execs. */
export function startDrillBehind(wrapper: readonly string[], lab: Lab, ...args: readonly string[]): Drill {
  const file = join(lab.folder, `drill-${++drills}.out`);
  const enter = ["nsenter", "--target", String(lab.hostPid), "--net", "--mount", "--"];
  const child = Bun.spawn([...enter, ...wrapper, ...startDrill.commandLine(lab, ...args)], {
    cwd: "/",
    stdin: "ignore",
    stdout: Bun.file(file),
    stderr: Bun.file(file),
  });
  const { pid } = child;
  const seen = new Set<number>();
  const look = () => {
    for (const one of childrenOf(pid)) seen.add(one);
  };
  return {
    pid,
    seen,
    watchdog() {
      look();
      const [watchdog] = seen;
      if (watchdog === undefined) throw new Error(`the drill has no watchdog: ${readFileSync(file, "utf8")}`);
      return watchdog;
    },
    told: () => readFileSync(file, "utf8"),
    kill(signal) {
      look();
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
    exited: child.exited,
    signalCode: () => child.signalCode,
  };
}

startDrill.commandLine = (lab: Lab, ...args: readonly string[]): string[] =>
  netdevd("drill", ...args, "--config", lab.config);

/** Waits until the watchdogs of a drill have ended by themselves. */
export async function lastedOut({ seen, told }: Drill): Promise<void> {
  await until("the watchdog to end", () => Array.from(seen).every((pid) => isDying(pid)), { detail: told });
}
