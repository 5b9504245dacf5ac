import { expect } from "bun:test";
import { furnish } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { type Process, startProcess } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";
import { integer, pick, type Random, randomFrom } from "../sim/model/random.ts";
import { everything, giveMore } from "./belongings.ts";

/** Commands of ip(8) that make a device of a name, by its kind. */
export type Makers = Readonly<Record<string, (name: string) => readonly string[]>>;

const MAPPING = mappingFor("c*", 'match = { name = "d[0-9]" }\ncount = "all"\nname = "eth%d"\nforce = true');

/** Devices d0, d1, … with what came to somebody's mind; gives the commands, for whoever looks for a fault. */
async function equip(lab: Lab, random: Random, kinds: Makers): Promise<string[]> {
  const { host } = lab;
  await host.ip("link add br0 type bridge", "link set br0 up");
  const told: string[] = [];
  const left = new Map(Object.entries(kinds));
  for (let at = 0; at < 1 + integer(random, 3); at++) {
    const name = `d${at}`;
    const [kind, make] = pick(random, Array.from(left));
    // One VXLAN of an id and port is all that a host can have, and so with other tunnels.
    if (kind !== "veth") left.delete(kind);
    await host.ip(...make(name));
    // Of those without Ethernet some take less than all of it.
    if (integer(random, 8) > 0)
      for (const command of furnish(name)) await host.ip(command).catch(() => undefined);
    told.push(`${name}: ${kind}`, ...(await giveMore(host, name, random)));
  }
  // Duplicate address detection of what was added with it, and what the kernel does by and by.
  await Bun.sleep(200);
  return told;
}

/** The container does as it likes with what it has; whatever ip(8) has to say of that is fine. */
async function meddle(lab: Lab, container: Process, random: Random, nested: Process[]): Promise<string[]> {
  const { netns } = container;
  const told: string[] = [];
  for (let count = integer(random, 5); count > 0; count--) {
    const names = (await netns.names()).filter((name) => name.startsWith("eth") || name === "wan");
    if (names.length === 0) break;
    const name = pick(random, names);
    if (integer(random, 6) === 0) {
      const inner = await startProcess(["nsenter", `--net=${netns.path}`, "unshare", "--net"]);
      nested.push(inner);
      const followed = () => lab.daemon.log().split("moved on inside").length;
      const before = followed();
      await netns.ip(`link set ${name} netns ${inner.pid}`);
      await until("it to be followed", () => followed() > before, { detail: lab.daemon.log });
      told.push(`inside: ${name} moved on`);
      continue;
    }
    const deeds = [
      `link set ${name} down name wan`,
      `link set ${name} address 02:00:00:00:02:0${integer(random, 9)}`,
      `link set ${name} down mtu 1280`,
      `addr flush dev ${name}`,
      `link set ${name} alias mine`,
      `link property del dev ${name} altname d0-second`,
      `link property add dev ${name} altname also-${integer(random, 9)}`,
      `link set ${name} promisc on arp off`,
      "link add br0 type bridge",
      `link set ${name} master br0`,
      `link set ${name} group 7 txqueuelen 3`,
      `route add 10.99.0.0/16 dev ${name}`,
    ];
    const deed = pick(random, deeds);
    await netns.ip(deed).catch(() => undefined);
    told.push(`inside: ${deed}`);
  }
  return told;
}

/** Ends the container, and perhaps the daemon, in one of many ways; a daemon runs afterwards. */
async function end(
  lab: Lab,
  container: Process,
  random: Random,
  nested: readonly Process[],
): Promise<string> {
  const killNested = async () => void (await Promise.all(nested.map((process) => process.kill())));
  const ways: Record<string, () => Promise<unknown>> = {
    killed: async () => await Promise.all([container.kill(), killNested()]),
    "stopped, then killed": async () => {
      await lab.event({ id: "c1", status: "stopped" });
      await Promise.all([container.kill(), killNested()]);
    },
    released: async () => await lab.event({ release: true }),
    "daemon killed, container killed, daemon started": async () => {
      await lab.daemon.end("SIGKILL");
      await Promise.all([container.kill(), killNested()]);
      await lab.start(undefined, { ready: false });
    },
    "container killed, and the daemon in the middle of that": async () => {
      process.kill(container.pid, "SIGKILL");
      await Bun.sleep(integer(random, 12));
      await lab.daemon.end("SIGKILL");
      await Promise.all([container.kill(), killNested()]);
      await lab.start(undefined, { ready: false });
    },
    "daemon stopped and started, container killed": async () => {
      await lab.daemon.end("SIGTERM");
      await lab.start(undefined, { ready: false });
      await Promise.all([container.kill(), killNested()]);
    },
    "daemon killed, released without one, started": async () => {
      await lab.daemon.end("SIGKILL");
      await lab.netdevd("release", "--all");
      await lab.start(undefined, { ready: false });
    },
  };
  const way = pick(random, Object.keys(ways));
  await ways[way]?.();
  return way;
}

/** Devices of any kind with anything that a device can have, in a container that does as it likes and ends in any way. */
export async function playRound(seed: number, kinds: Makers): Promise<void> {
  const random = randomFrom(seed);
  await using lab = await Lab.create();
  const told = await equip(lab, random, kinds);
  const before = await everything(lab.host);
  await lab.start(MAPPING);
  const container = await lab.container({ mountNamespace: integer(random, 2) === 0 });
  const verdict = await lab.attach("c1", container);
  expect({ verdict, told }).toMatchObject({ verdict: { outcome: "attached", error: null } });
  const nested: Process[] = [];
  told.push(...(await meddle(lab, container, random, nested)));
  told.push(await end(lab, container, random, nested));
  await lab.daemon.empty();
  const limit = performance.now() + 3000;
  let after = await everything(lab.host);
  while (!Bun.deepEquals(after, before) && performance.now() < limit) after = await everything(lab.host);
  if (!Bun.deepEquals(after, before)) console.log(`round ${seed}:\n${told.join("\n")}\n${lab.daemon.log()}`);
  expect(after).toEqual(before);
  await Promise.all(nested.map((process) => process.kill()));
}
