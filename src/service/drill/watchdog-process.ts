import { readFileSync } from "node:fs";
import * as v from "valibot";
import { linesOf } from "./lines.ts";
import type { LinkNews } from "./timeline.ts";

/** The watchdog of a drill, seen from the drill. */
export interface Watchdog extends AsyncDisposable {
  readonly pid: number;
  /** Leads to the namespace that it has made, for as long as it lives. */
  readonly netns: string;
  isAlive(): boolean;
  /** The device is home: it may take its time from now on. */
  home(): void;
  /** What the links did since it was ready; null where it does not say. */
  news(): Promise<readonly LinkNews[] | null>;
  /** Nothing is away, nothing is left, and it is not needed any more. */
  done(): void;
}

/** It starts in a fraction of that on a machine that is busy. */
const READY_MS = 10_000;
const DONE_MS = 2_000;

const readyLine = v.object({ netns: v.string() });
const newsLine = v.array(
  v.object({ at: v.number(), ifindex: v.number(), gone: v.boolean(), operstate: v.string() }),
);

/**
 * Starts this very program once more, as the watchdog, in a session of its own: what ends the drill's (a terminal or
 * an ssh connection that goes) does not end it. Resolves when it has said that it is ready; rejects where it does not.
 *
 * The one process that the product starts, and it has to: a thread dies with the drill that it is to outlive, and a
 * device away from home over a lone ssh connection is nobody's to bring home then.
 *
 * @param args of `netdevd`
 */
export async function startWatchdog(args: readonly string[]): Promise<Watchdog> {
  const child = Bun.spawn({
    cmd: ["/proc/self/exe", ...ownArguments(), ...args],
    argv0: commandLine()[0] ?? "netdevd",
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    detached: true,
  });
  let ended = false;
  let released = false;
  void child.exited.then(() => {
    ended = true;
  });
  const lines = linesOf(child.stdout);
  const line = async (within: number): Promise<unknown> => {
    const late = Bun.sleep(within).then(() => null);
    const read = await Promise.race([lines.next().catch(() => null), late]);
    return read === null || read.done ? null : JSON.parse(read.value);
  };
  const say = (word: string) => {
    try {
      child.stdin.write(`${word}\n`);
      void Promise.resolve(child.stdin.flush()).catch(() => undefined);
    } catch {
      // It has ended: then nobody has to be told.
    }
  };
  const ready = v.safeParse(readyLine, await line(READY_MS));
  if (!ready.success) {
    child.kill("SIGKILL");
    throw new Error("the watchdog did not say that it is ready: nothing was touched");
  }
  return {
    pid: child.pid,
    netns: ready.output.netns,
    isAlive: () => !ended,
    home: () => say("home"),
    async news() {
      say("news");
      const news = v.safeParse(newsLine, await line(DONE_MS));
      return news.success ? news.output : null;
    },
    done() {
      released = true;
      say("done");
    },
    async [Symbol.asyncDispose]() {
      // Whoever has not said "done" leaves to the watchdog what is away: as if it had died.
      if (released) await Promise.race([child.exited, Bun.sleep(DONE_MS)]);
      else await Promise.resolve(child.stdin.end()).catch(() => undefined);
    },
  };
}

/** What stands in the command line of this process between the program and the arguments of `netdevd`: of a checkout. */
function ownArguments(): string[] {
  const all = commandLine();
  const given = process.argv.length - 2;
  return all.slice(1, all.length - given);
}

function commandLine(): string[] {
  return readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(0, -1);
}
