import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { furnish, KINDS, type Kind, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";
import { integer, pick, randomFrom } from "../sim/model/random.ts";

// Everything at once and for long: events, deaths of containers and of the daemon, meddling inside, unplugging. At
// the end every device that was not destroyed is home as it was, and nothing has grown.

/** SOAK_SECONDS: how long. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 60);
/** SOAK_SEED: what happens, as far as the clock lets it be the same again. */
const SEED = Number(process.env.SOAK_SEED ?? 1);
/** What the daemon may take in the long run, megabytes. */
const RESIDENT_LIMIT_MB = 120;
const DEVICES = 10;

const MAPPINGS = [
  mappingFor("a*", 'match = { name = "d0" }\nname = "eth0"'),
  mappingFor("b*", 'match = { name = "d[1-4]" }\ncount = 2\nname = "net%d"'),
  mappingFor("c*", 'match = { name = "d[3-7]" }\nname = "d0"\nmtu = 1300'),
  mappingFor("e*", 'match = { name = "d*" }\nname = "eth%d"'),
  mappingFor("f*", 'match = { name = "d[0-9]" }\ncount = "all"\nname = "eth%d"'),
].join("\n");

/** A soak under way. */
class Soak {
  readonly lab: Lab;
  readonly random = randomFrom(SEED);
  readonly living = new Map<string, Process>();
  readonly counts = new Map<string, number>();
  readonly destroyed = new Set<string>();
  /** Events that have no verdict yet. */
  readonly unanswered = new Set<string>();
  residentMb = 0;
  #ids = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  drop(event: unknown): void {
    this.unanswered.add(this.lab.drop(event));
  }

  /** To be called now and then: a verdict is kept for a minute, and a soak may take hours. */
  noteAnswers(): void {
    for (const name of this.unanswered) {
      if (this.lab.verdictNow(name) !== null) this.unanswered.delete(name);
    }
  }

  async attach(): Promise<void> {
    const known = Array.from(this.living);
    const sharing =
      known.length > 0 && integer(this.random, 6) === 0 ? pick(this.random, known)[1] : undefined;
    const container = await this.lab.container(sharing === undefined ? {} : { sharing });
    const id = `${pick(this.random, ["a", "b", "c", "e", "f"])}${++this.#ids}`;
    this.living.set(id, container);
    this.drop({ id, status: "creating", pid: container.pid });
    this.count("containers");
  }

  async end(): Promise<void> {
    const [id, container] = this.#one();
    if (container === undefined) return;
    this.living.delete(id);
    if (integer(this.random, 3) === 0) this.drop({ id, status: "stopped" });
    await container.kill();
    this.count("deaths of containers");
  }

  release(): void {
    const [id] = this.#one();
    if (integer(this.random, 5) === 0) this.drop({ release: true });
    else this.drop({ release: id });
    this.count("releases");
  }

  /** A container does as it likes with what it has; whatever ip(8) has to say of that is fine. */
  async meddle(): Promise<void> {
    const [, container] = this.#one();
    if (container === undefined) return;
    const names = (await container.netns.names().catch(() => [])).filter(
      (name) => !/^(witness|w\d)/.test(name),
    );
    if (names.length === 0) return;
    const name = pick(this.random, names);
    const deeds = [
      `link set ${name} name ${pick(this.random, ["wan", "d5", "eth9", "netdevd0"])}`,
      `link set ${name} address 02:00:00:00:02:0${integer(this.random, 9)}`,
      `link set ${name} down mtu 1280`,
      `addr flush dev ${name}`,
      `link set ${name} alias mine`,
      `link property del dev ${name} altname ${name}-second`,
    ];
    await container.netns.ip(pick(this.random, deeds)).catch(() => undefined);
    this.count("meddlings");
  }

  /** A device goes for good, wherever it is, and another one of its name comes. */
  async unplug(): Promise<void> {
    const { host } = this.lab;
    const far = `d${pick(this.random, [0, 7])}-far`;
    const gone = await host.ip(`link del ${far}`).then(
      () => true,
      () => false,
    );
    if (gone) this.destroyed.add(far.replace("-far", ""));
    this.count("unpluggings");
  }

  async restart(): Promise<void> {
    this.#noteSize();
    const signal = integer(this.random, 4) === 0 ? "SIGTERM" : "SIGKILL";
    await this.lab.daemon.end(signal);
    if (integer(this.random, 2) === 0) await this.end();
    // Stuck devices may keep it from being ready.
    await this.lab.start(undefined, { ready: false });
    this.count(signal);
  }

  /** Somebody on the host takes a name for a while: as an altname, for no mapping is to take that device. */
  async stranger(): Promise<void> {
    const { host } = this.lab;
    const name = pick(this.random, ["d1", "d2", "netdevd0"]);
    await host.ip("link add stranger type ifb");
    await host.ip(`link property add dev stranger altname ${name}`).catch(() => undefined);
    await Bun.sleep(integer(this.random, 400));
    await host.ip("link del stranger");
    this.count("strangers");
  }

  #one(): [string, Process | undefined] {
    const known = Array.from(this.living);
    return known.length === 0 ? ["nobody", undefined] : pick(this.random, known);
  }

  #noteSize(): void {
    const status = readFileSync(`/proc/${this.lab.daemon.pid}/status`, "utf8");
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
    this.residentMb = Math.max(this.residentMb, Math.round(kilobytes / 1024));
  }

  async finish(): Promise<void> {
    this.#noteSize();
    await Promise.all(Array.from(this.living.values(), (container) => container.kill()));
    this.drop({ release: true });
    await this.lab.daemon.empty();
    // Any of them may be answered a moment after the last device is home; one that is not at all is an error here.
    for (const name of Array.from(this.unanswered)) await this.lab.verdict(name);
    this.noteAnswers();
  }
}

test(
  `${SECONDS} s of everything: devices lost: 0`,
  async () => {
    await using lab = await Lab.create();
    const kinds: Kind[] = Array.from({ length: DEVICES }, (_, at) => KINDS[at % KINDS.length] ?? "veth");
    for (const [at, kind] of kinds.entries()) {
      // One VXLAN of an id and port is all that a host can have.
      const chosen = kind === "vxlan" ? "ifb" : kind;
      await lab.host.ip(...makeDevice(chosen, `d${at}`), ...furnish(`d${at}`));
    }
    const before = await lab.host.devices();
    await lab.start(MAPPINGS);
    const soak = new Soak(lab);
    const end = performance.now() + SECONDS * 1000;
    const moves: (() => void | Promise<void>)[] = [
      () => soak.attach(),
      () => soak.attach(),
      () => soak.attach(),
      () => soak.end(),
      () => soak.end(),
      () => soak.release(),
      () => soak.meddle(),
      () => soak.meddle(),
      () => soak.meddle(),
      () => soak.stranger(),
      () => Bun.sleep(integer(soak.random, 100)),
      () => (integer(soak.random, 3) === 0 ? soak.restart() : undefined),
      () => (integer(soak.random, 20) === 0 ? soak.unplug() : undefined),
    ];
    while (performance.now() < end) {
      await pick(soak.random, moves)();
      soak.noteAnswers();
      while (soak.living.size > 12) await soak.end();
    }
    await soak.finish();

    const after = await lab.host.devices();
    const isExpected = (name: string) => !soak.destroyed.has(name.split("-")[0] ?? "");
    const kept = Object.keys(before).filter(isExpected);
    const lost = kept.filter((name) => after[name] === undefined);
    const changed = kept.filter((name) => !lost.includes(name) && !sameButNumber(after[name], before[name]));
    const unanswered = Array.from(soak.unanswered);
    const leftovers = lab.daemon.leftovers();
    const told = Array.from(soak.counts, ([what, count]) => `${count} ${what}`).join(", ");
    console.log(`soak: ${SECONDS} s, seed ${SEED}: ${told}
soak: devices lost: ${lost.length}; changed: ${changed.length}; events unanswered: ${unanswered.length}
soak: RSS at most ${soak.residentMb} MB; left over: ${leftovers || "nothing"}`);
    for (const name of changed) expect(after[name]).toEqual(before[name]);
    expect({ lost, changed, unanswered, leftovers }).toEqual({
      lost: [],
      changed: [],
      unanswered: [],
      leftovers: "",
    });
    expect(soak.residentMb).toBeLessThan(RESIDENT_LIMIT_MB);
  },
  (SECONDS + 60) * 1000,
);

/** An ifindex that somebody else has taken meanwhile cannot be had again, nor can those who point to it. */
function sameButNumber(a: unknown, b: unknown): boolean {
  return Bun.deepEquals(withoutNumbers(a), withoutNumbers(b));
}

function withoutNumbers(value: unknown): unknown {
  const text = JSON.stringify(value, (key, member) =>
    ["ifindex", "link_index", "link", "link_netnsid"].includes(key) ? undefined : member,
  );
  return JSON.parse(text ?? "null");
}
