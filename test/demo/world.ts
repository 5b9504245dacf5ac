import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Process, startProcess } from "../helpers/process.ts";
import { netdevd } from "../helpers/program.ts";
import { type Spool, spoolAt } from "../helpers/spool.ts";
import { until } from "../helpers/until.ts";

/** The daemon, of which nothing is known but its process and its files. */
export interface Daemon {
  readonly pid: number;
  /** Sends SIGTERM and waits for the end; an exit code other than 0 is an error. */
  stop(): Promise<void>;
}

/**
 * A host and a switch, each a process in a network namespace of its own, and a folder for the daemon's files.
 *
 * When it is disposed of, all that was started here is ended and all that was written is gone.
 */
export class World implements AsyncDisposable {
  readonly host: Process;
  readonly switch: Process;
  readonly config: string;
  readonly spool: Spool;
  readonly spoolFolder: string;
  readonly #folder: string;
  readonly #parts: AsyncDisposableStack;
  readonly #signal: AbortSignal;
  #daemon: Bun.Subprocess | null = null;
  #stopping = false;

  private constructor(
    parts: AsyncDisposableStack,
    folder: string,
    host: Process,
    far: Process,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#folder = folder;
    this.#signal = signal;
    this.host = host;
    this.switch = far;
    this.config = join(folder, "netdevd.toml");
    this.spoolFolder = join(folder, "spool");
    this.spool = spoolAt(this.spoolFolder, join(folder, "results"), () => this.log());
  }

  /** @param signal ends whatever is waited for */
  static async create(signal: AbortSignal): Promise<World> {
    await using parts = new AsyncDisposableStack();
    const folder = parts.adopt(mkdtempSync(join(tmpdir(), "netdevd-demo-")), (path) =>
      rmSync(path, { recursive: true, force: true }),
    );
    // What the daemon mounts is gone with the host, and is seen nowhere else.
    const host = parts.use(await startProcess(["unshare", "--net", "--mount", "--propagation", "private"]));
    const far = parts.use(await startProcess(["unshare", "--net"]));
    return new World(parts.move(), folder, host, far, signal);
  }

  /** Writes the config file: where the daemon's files are, no HTTP, and `mapping`. */
  configure(mapping: string): void {
    const folders = ["spool", "results", "state"].map((name) => `${name} = "${join(this.#folder, name)}"`);
    writeFileSync(this.config, `[daemon]\n${folders.join("\n")}\n[http]\nlisten = []\n${mapping}`);
  }

  /** Starts `netdevd run` on the host, and waits until it has made its spool folder. */
  async start(): Promise<Daemon> {
    const onHost = ["nsenter", "--target", String(this.host.pid), "--net", "--mount", "--"];
    const child = Bun.spawn(
      // It must not outlive the demo, however that ends.
      ["setpriv", "--pdeathsig", "KILL", ...onHost, ...netdevd("run", "--config", this.config)],
      { cwd: "/", stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(this.#folder, "log")) },
    );
    this.#daemon = child;
    this.#parts.defer(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    await this.until("the daemon's spool folder", () => existsSync(this.spoolFolder));
    return {
      pid: child.pid,
      stop: async () => {
        this.check();
        this.#stopping = true;
        child.kill("SIGTERM");
        await this.until("the daemon's end", () => child.exitCode !== null || child.signalCode !== null);
        if (child.exitCode !== 0) throw new Error(`the daemon ended by ${endOf(child)}${this.log()}`);
      },
    };
  }

  /** Starts a container: a process in a network namespace of its own. */
  async container(): Promise<Process> {
    return this.#parts.use(await startProcess(["unshare", "--net"]));
  }

  /** Throws where the daemon has ended by itself, or the demo was told to. */
  check(): void {
    this.#signal.throwIfAborted();
    const daemon = this.#daemon;
    if (daemon === null || this.#stopping || (daemon.exitCode ?? daemon.signalCode) === null) return;
    throw new Error(`the daemon is gone: it ended by ${endOf(daemon)}${this.log()}`);
  }

  /** Asks `probe` again and again, for as long as all is well. */
  async until<T>(what: string, probe: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
    const checkedProbe = () => {
      this.check();
      return probe();
    };
    return await until(what, checkedProbe, { within: 6_000, detail: () => this.log() });
  }

  /** What the daemon has logged, for whoever has to find out what went wrong. */
  log(): string {
    const path = join(this.#folder, "log");
    const text = existsSync(path) ? readFileSync(path, "utf8").trimEnd() : "";
    return text === "" ? "" : `\nIts log:\n${text}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

function endOf({ exitCode, signalCode }: Bun.Subprocess): string {
  return signalCode === null ? `exit code ${exitCode}` : String(signalCode);
}
