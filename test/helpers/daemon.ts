import { readFileSync } from "node:fs";
import * as v from "valibot";
import { childrenOf, openFiles, threadsOutside } from "./proc.ts";
import { netdevd } from "./program.ts";
import { type Status, statusSchema } from "./status.ts";
import { until } from "./until.ts";

/** A running `netdevd run`. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** What it has written to stderr so far. */
  log(): string;
  /** What it has written to stdout so far. */
  stdout(): string;
  /** GET over its unix socket. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** `/v1/status`, checked against the contract. */
  status(): Promise<Status>;
  /** Waits until it holds no container: every device is home. */
  empty(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal that ends it, and gives the exit code: 128 and more where the signal did it. */
  end(signal?: NodeJS.Signals): Promise<number>;
  running(): boolean;
  /** What it keeps that it should not keep when no container is left; "" where there is nothing. */
  leftovers(): string;
}

export interface DaemonOptions {
  readonly config: string;
  readonly socket: string;
  readonly log: string;
  /** Command that starts it in the namespaces it shall be in. */
  readonly wrapper: readonly string[];
  /** The network namespace that all its threads have to be in, as `net:[…]`. */
  readonly home: string;
  /** What has to answer 200 before it counts as started. */
  readonly awaits: "/readyz" | "/healthz";
}

/** Longest that a start may take, milliseconds: everything on this machine may be at work beside it. */
const START_TIMEOUT = 8_000;

/** Starts the daemon and waits until it is there. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { log, socket, home } = options;
  const child = Bun.spawn([...options.wrapper, ...netdevd("run", "--config", options.config)], {
    cwd: "/",
    stdin: "ignore",
    stdout: Bun.file(`${log}.out`),
    stderr: Bun.file(log),
  });
  const { pid } = child;
  let ended: number | undefined;
  child.exited.then((code) => {
    ended = code;
  });
  const told = () => readFileSync(log, "utf8");
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://localhost${path}`, { unix: socket, headers: { connection: "close", ...headers } });
  const status = async () => v.parse(statusSchema, await (await get("/v1/status")).json());
  const end = async (signal: NodeJS.Signals = "SIGTERM") => {
    child.kill(signal);
    return await until(`the daemon to end by ${signal}`, () => ended, { detail: told });
  };
  const running = () => ended === undefined;

  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };

  const started = async () => {
    if (!running()) throw new Error(`the daemon ended with ${ended}:\n${told()}`);
    return (await get(options.awaits).catch(() => null))?.status === 200;
  };
  try {
    await until("the daemon to be ready", started, { within: START_TIMEOUT, detail: told });
  } catch (error) {
    await kill();
    throw error;
  }
  const baseline = await settledFiles(pid);

  return {
    pid,
    log: told,
    stdout: () => readFileSync(`${log}.out`, "utf8"),
    get,
    status,
    empty: async () => {
      await until("every device to be home", async () => (await status()).containers.length === 0, {
        detail: async () => `${JSON.stringify((await status()).containers)}\n${told()}`,
      });
    },
    signal: (signal) => child.kill(signal),
    end,
    running,
    leftovers: () =>
      [
        ...threadsOutside(pid, home).map((thread) => `a thread left in a foreign namespace: ${thread}`),
        ...childrenOf(pid).map((other) => `a child process: ${other}`),
        ...moreThan(baseline, openFiles(pid)).map((more) => `open files: ${more}`),
      ].join("\n"),
    [Symbol.asyncDispose]: kill,
  };
}

/** The open files of a process once two looks in a row are the same: a request of the start may still end. */
async function settledFiles(pid: number): Promise<Map<string, number>> {
  let last = "";
  return await until("the daemon's open files to settle", async () => {
    await Bun.sleep(10);
    const files = openFiles(pid);
    const text = JSON.stringify([...files].toSorted());
    if (text === last) return files;
    last = text;
    return undefined;
  });
}

function moreThan(before: Map<string, number>, now: Map<string, number>): string[] {
  return [...now].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${more} of ${kind} more than at the start`] : [];
  });
}
