import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerEvent } from "../../src/domain/event.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { pictureOf } from "../helpers/picture.ts";
import { type Process, startProcess } from "../helpers/process.ts";
import { mappingFor } from "../unit/engine/events.ts";
import type { Fault } from "./injector.ts";
import type { Answer, Order } from "./player.ts";

/** Three devices of a container, each with a wish of its own. */
export const MAPPINGS = [
  mappingFor(
    "c1",
    { match: { name: "d0" }, name: "eth1" },
    { match: { name: "d1" }, name: "eth2", mac: "02:00:00:00:00:aa" },
    { match: { name: "d2" } },
  ),
];

const DEVICES = [
  ...makeDevice("veth", "d0"),
  ...furnish("d0"),
  ...makeDevice("macvlan", "d1"),
  "link set d1 up",
  "link property add dev d1 altname d1-second",
  "addr add 192.0.2.65/26 dev d1",
  "addr add 2001:db8:9::1/64 dev d1 nodad",
  ...makeDevice("tap", "d2"),
  "link set d2 mtu 1300",
  "addr add 203.0.113.9/24 dev d2",
  "link add br0 type bridge",
  "link set br0 up",
  "link set d2 master br0",
  "link set d2 type bridge_slave cost 77",
  "route add 10.99.0.0/16 via 192.0.2.254 dev d0 metric 5",
  "route add 10.98.0.0/16 dev d0 table 77",
  "route add 2001:db8:99::/48 via 2001:db8:2::9 dev d0",
];

/** Files of d0 below /proc/sys/net, and what they hold. */
const SYSCTLS = {
  "ipv4/conf/d0/arp_ignore": "1",
  "ipv6/conf/d0/accept_ra": "0",
  "ipv4/neigh/d0/locktime": "77",
};

/** How much of the host and of a container there is to see. */
export interface Picture {
  readonly host: unknown;
  readonly container: unknown;
}

/** A host with three devices, containers, and a player that plays the daemon; used by one case after another. */
export class Stage implements AsyncDisposable {
  readonly state: string;
  readonly #host: Process;
  readonly #orders: Bun.FileSink;
  readonly #answers: AsyncIterator<string>;
  readonly #kill: () => Promise<void>;
  #container: Process | null = null;
  /** What is in a namespace that was made inside the container. */
  #nested: Process | null = null;

  private constructor(host: Process, state: string, player: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#host = host;
    this.state = state;
    this.#orders = player.stdin;
    this.#answers = linesOf(player.stdout);
    this.#kill = async () => {
      player.kill("SIGKILL");
      await player.exited;
    };
  }

  static async create(): Promise<Stage> {
    const host = await startProcess(["unshare", "--net", "--mount", "--propagation", "private"]);
    await host.netns.ip("link set lo up", ...DEVICES);
    for (const [file, value] of Object.entries(SYSCTLS)) {
      await host.netns.run("sh", "-c", `echo ${value} >/proc/sys/net/${file}`);
    }
    const state = mkdtempSync(join(tmpdir(), "netdevd-fault-"));
    const player = Bun.spawn(
      [
        ...[
          "setpriv",
          "--pdeathsig",
          "KILL",
          "nsenter",
          "--target",
          String(host.pid),
          "--net",
          "--mount",
          "--",
        ],
        ...[process.execPath, "--no-env-file", join(import.meta.dir, "player.ts"), state],
      ],
      { cwd: "/", stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    );
    return new Stage(host, state, player);
  }

  get host(): Namespace {
    return this.#host.netns;
  }

  /** The container of the case at hand: the one before, where that lives still. */
  async container(): Promise<Process> {
    this.#container ??= await startProcess(["unshare", "--net"]);
    return this.#container;
  }

  /** Ends it; what it has made lives on, until the next one begins. */
  async killContainer(): Promise<void> {
    await this.#container?.kill();
    this.#container = null;
  }

  /** The container moves d0 on to a namespace that it makes. */
  async moveOn(): Promise<void> {
    const container = await this.container();
    await this.endNested();
    this.#nested = await startProcess(["nsenter", `--net=${container.netns.path}`, "unshare", "--net"]);
    await container.netns.ip(`link set eth1 netns ${this.#nested.pid}`);
  }

  async endNested(): Promise<void> {
    await this.#nested?.kill();
    this.#nested = null;
  }

  async picture(): Promise<Picture> {
    const container = await this.container();
    const sysctls = Object.keys(SYSCTLS).map((file) => `/proc/sys/net/${file}`);
    // Of d0, where it is.
    const read = `cat ${sysctls.join(" ")} 2>/dev/null || true`;
    return {
      host: [withoutNumbers(await pictureOf(this.host)), await this.host.run("sh", "-c", read)],
      container: await pictureOf(container.netns),
    };
  }

  async order(order: Order): Promise<Answer> {
    this.#orders.write(`${JSON.stringify(order)}\n`);
    await this.#orders.flush();
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the player has ended");
    const answer: Answer = JSON.parse(value);
    if (answer.fault !== null) throw new Error(`${order.do}: ${answer.fault}\n${answer.log.join("\n")}`);
    return answer;
  }

  start(fault: Fault | null = null): Promise<Answer> {
    return this.order({ do: "start", mappings: MAPPINGS, fault });
  }

  async attach(fault: Fault | null = null): Promise<Answer> {
    const { pid } = await this.container();
    return this.order({ do: "handle", event: event("creating", pid), fault });
  }

  stop(fault: Fault | null = null): Promise<Answer> {
    return this.order({ do: "handle", event: event("stopped", null), fault });
  }

  /** What a daemon leaves behind that is done with everything, and has tried again what it could not do; none: all is well. */
  leftovers(): string[] {
    const files = readdirSync(this.state, { recursive: true }).map(String);
    return files.filter((file) => /^(pins|copies)\//.test(file) || /set-aside/.test(file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill();
    await this.killContainer();
    await this.endNested();
    await this.#host.kill();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** How the host calls the namespaces of others depends on those that it has had to do with before. */
function withoutNumbers(picture: unknown): unknown {
  return JSON.parse(JSON.stringify(picture).replaceAll(/"link_netnsid":\d+/g, '"link_netnsid":0'));
}

function event(status: ContainerEvent["status"], pid: number | null): ContainerEvent {
  const target = pid === null ? null : ({ by: "pid", pid } as const);
  const name = `c1-${status}`;
  return {
    type: "container",
    name,
    id: "c1",
    status,
    target,
    bundle: "/b",
    annotations: {},
    writtenAt: Date.now(),
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
