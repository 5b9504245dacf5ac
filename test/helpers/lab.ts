import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Output, run } from "./command.ts";
import {
  type ContainerOptions,
  netnsIdentity,
  startContainer,
  type Witness,
  witnessIn,
} from "./container.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { Namespace } from "./namespace.ts";
import { processesIn } from "./proc.ts";
import { type Process, startProcess } from "./process.ts";
import { netdevd } from "./program.ts";
import { type DropOptions, type Spool, spoolAt } from "./spool.ts";
import { until } from "./until.ts";
import type { Verdict } from "./verdict.ts";

/**
 * One private world for one test: a network namespace that plays the host, containers, a daemon and its
 * folders. The machine's own devices are in none of it.
 *
 * At its end everything is gone, whatever came of the test; and the end is an error where the daemon left
 * a thread in a foreign namespace, kept a file, a process or a namespace, or did not stop when told to.
 */
export class Lab implements AsyncDisposable {
  readonly folder: string;
  readonly spoolFolder: string;
  readonly results: string;
  readonly state: string;
  readonly config: string;
  readonly socket: string;
  readonly #hostProcess: Process;
  readonly #witnessProcess: Process;
  readonly #witness: Witness;
  readonly #isPrivate: boolean;
  readonly #containers: Process[] = [];
  readonly #spool: Spool;
  #daemon: Daemon | null = null;
  #starts = 0;

  private constructor(hostProcess: Process, witnessProcess: Process, isPrivate: boolean) {
    this.#hostProcess = hostProcess;
    this.#isPrivate = isPrivate;
    this.#witnessProcess = witnessProcess;
    this.#witness = witnessIn(witnessProcess.netns);
    this.folder = mkdtempSync(join(tmpdir(), "netdevd-live-"));
    this.spoolFolder = join(this.folder, "spool");
    this.results = join(this.folder, "results");
    this.state = join(this.folder, "state");
    this.config = join(this.folder, "netdevd.toml");
    this.socket = join(this.folder, "netdevd.sock");
    mkdirSync(this.spoolFolder, { mode: 0o700 });
    mkdirSync(this.results, { mode: 0o755 });
    mkdirSync(this.state, { mode: 0o700 });
    this.#spool = spoolAt(
      this.spoolFolder,
      this.results,
      () => this.#daemon?.log() ?? "no daemon was started",
    );
  }

  /** Makes the host: a namespace with lo up and nothing else, and a mount namespace that dies with it. */
  static async create(): Promise<Lab> {
    if (process.getuid?.() !== 0) {
      throw new Error("live tests make network namespaces and move devices: run them as root");
    }
    const host = await startProcess(["unshare", "--net", "--mount", "--propagation", "private"]);
    const witness = await startProcess(["unshare", "--net"]);
    await host.netns.ip("link set lo up");
    return new Lab(host, witness, true);
  }

  /** A lab whose host is the machine itself, its own devices included: for a guest that is there for that. */
  static async onThisMachine(): Promise<Lab> {
    if (!existsSync("/payload/run.sh")) throw new Error("this is no guest of the vm tier");
    return new Lab(await startProcess(["env"]), await startProcess(["unshare", "--net"]), false);
  }

  get host(): Namespace {
    return this.#hostProcess.netns;
  }

  /** Pid of a process that is in the host's own namespace. */
  get hostPid(): number {
    return this.#hostProcess.pid;
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error("the daemon has not been started");
    return this.#daemon;
  }

  /** Writes the config file: the lab's folders, and `mappings` behind them. */
  configure(mappings: string, listen: readonly string[] = [`unix:${this.socket}`]): void {
    const daemon = [
      "[daemon]",
      `spool = "${this.spoolFolder}"`,
      `results = "${this.results}"`,
      `state = "${this.state}"`,
      "[http]",
      `listen = ${JSON.stringify(listen)}`,
    ];
    writeFileSync(this.config, `${daemon.join("\n")}\n${mappings}\n`);
  }

  /**
   * Starts the daemon on the host, with `mappings` where they are given, and waits until it is ready, or, where
   * it cannot be ready, until it serves. `environment` is added to its own.
   */
  async start(
    mappings?: string,
    {
      ready = true,
      environment = {},
    }: { ready?: boolean; environment?: Readonly<Record<string, string>> } = {},
  ): Promise<Daemon> {
    if (this.#daemon?.running() === true) throw new Error("a daemon is running already");
    if (mappings !== undefined) this.configure(mappings);
    this.#daemon = await startDaemon({
      config: this.config,
      socket: this.socket,
      log: join(this.folder, `daemon-${++this.#starts}.log`),
      // The daemon must not outlive a test that is killed.
      wrapper: ["setpriv", "--pdeathsig", "KILL", ...this.#entering(), ...environmentOf(environment)],
      home: netnsIdentity(this.#hostProcess),
      awaits: ready ? "/readyz" : "/healthz",
    });
    return this.#daemon;
  }

  /** Ends all containers, and waits until their devices are home. */
  async clear(): Promise<void> {
    await Promise.all(this.#containers.splice(0).map((container) => container.kill()));
    if (this.isRunning()) await this.daemon.empty();
  }

  /** Waits until the namespaces of containers, which have to be dead, are destroyed. */
  async letGo(within: number): Promise<void> {
    await this.#witness.allGone(within);
  }

  isRunning(): boolean {
    return this.#daemon?.running() === true;
  }

  /** Lets go of the namespaces that a daemon which was killed has pinned, as on a host where it could not pin. */
  async unpin(): Promise<void> {
    const folder = join(this.state, "pins");
    for (const pin of readdirSync(folder)) {
      const { code, stderr } = await this.onHost("umount", join(folder, pin));
      if (code !== 0) throw new Error(stderr);
    }
  }

  /** What `netdevd plan` says of an event. */
  async plan(event: unknown): Promise<Output> {
    const file = join(this.folder, "event.json");
    writeFileSync(file, JSON.stringify(event));
    return await this.netdevd("plan", file);
  }

  /** Runs any command where the daemon runs: in the host's network and mount namespace. */
  async onHost(...argv: string[]): Promise<Output> {
    return await run([...this.#entering(), ...argv]);
  }

  /** Runs `netdevd ARGS --config FILE` on the host. */
  async netdevd(...args: string[]): Promise<Output> {
    return await this.onHost(...netdevd(...args, "--config", this.config));
  }

  /** Runs `netdevd ARGS --config FILE` on the host with `input` on its stdin. */
  async netdevdReading(input: string, ...args: string[]): Promise<Output> {
    return await run([...this.#entering(), ...netdevd(...args, "--config", this.config)], input);
  }

  async container(options: ContainerOptions = {}): Promise<Process> {
    const container = await startContainer(options);
    this.#containers.push(container);
    if (options.sharing === undefined) await this.#witness.watch(container);
    return container;
  }

  /** Drops an event and does not wait; gives the file's name. */
  drop(event: unknown, options?: DropOptions): string {
    return this.#spool.drop(event, options);
  }

  async verdict(name: string): Promise<Verdict> {
    return await this.#spool.verdict(name);
  }

  verdictNow(name: string): Verdict | null {
    return this.#spool.verdictNow(name);
  }

  /** Drops an event and waits for its verdict. */
  async event(event: unknown, options?: DropOptions): Promise<Verdict> {
    return await this.verdict(this.drop(event, options));
  }

  /** What a runtime drops when it has made a container: its devices shall be attached. */
  async attach(id: string, container: Process): Promise<Verdict> {
    return await this.event({
      ociVersion: "1.0.2",
      id,
      status: "creating",
      pid: container.pid,
      bundle: "/b",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const faults: string[] = [];
    try {
      await Promise.all(this.#containers.map((container) => container.kill()));
      if (this.#daemon?.running() === true) await this.#stop(this.#daemon);
      const inside = this.#isPrivate ? processesIn(netnsIdentity(this.#hostProcess)) : [];
      const left = inside.filter((pid) => pid !== this.hostPid);
      if (left.length > 0) faults.push(`processes left on the host: ${left.join(", ")}`);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    } finally {
      await this.#daemon?.[Symbol.asyncDispose]();
      await this.#hostProcess.kill();
      await this.#witnessProcess.kill();
      rmSync(this.folder, { recursive: true, force: true });
    }
    if (faults.length > 0) throw new Error(`the lab was not left clean: ${faults.join("; ")}`);
  }

  /** The end that a good daemon comes to once all containers are dead. */
  async #stop(daemon: Daemon): Promise<void> {
    await daemon.empty();
    await this.#witness.allGone();
    await until("the daemon to keep nothing of dead containers", () => daemon.leftovers() === "", {
      within: 3_000,
      detail: daemon.leftovers,
    });
    const code = await daemon.end();
    if (code !== 0) throw new Error(`the daemon exited ${code} after SIGTERM:\n${daemon.log()}`);
  }

  #entering(): string[] {
    return ["nsenter", "--target", String(this.hostPid), "--net", "--mount", "--"];
  }
}

/** The command that starts another with more in its environment. */
function environmentOf(variables: Readonly<Record<string, string>>): string[] {
  return ["env", ...Object.entries(variables).map(([key, value]) => `${key}=${value}`)];
}
