import { expect, test } from "bun:test";
import { createLinux } from "../../src/engine/linux.ts";
import { startProcess } from "../helpers/process.ts";
import { anyAction } from "../sim/model/anything.ts";
import { imitate } from "../sim/model/imitate.ts";
import { addNamespace } from "../sim/model/lifetime.ts";
import { spawn } from "../sim/model/processes.ts";
import { randomFrom } from "../sim/model/random.ts";
import { type Action, arenaOf, look, play, type Sight } from "../sim/model/replay.ts";
import { createSystem } from "../sim/model/system.ts";
import { createWorld } from "../sim/model/world.ts";

// The unit tests of the engine are worth as much as the model kernel that they run on: it has to answer as
// the real one does, and leave the same behind.

/** What the namespace "a" has at first: ip(8) commands. */
const DEVICES = [
  "link add d0 type veth peer name d0-far",
  "link add d1 type ifb",
  "link add d2 link d0-far type macvlan mode bridge",
  "link add d3 type vxlan id 42 remote 192.0.2.99 dev d0-far dstport 4789",
  "tuntap add mode tap name d4",
  "link add br0 type bridge",
];

/** Those of them that have a static multicast address as well. */
const WITH_MULTICAST = ["d0", "d2", "d3", "d4"];

/** Plays what `next` gives on the real kernel and on the model, until it gives null; both have to agree on each. */
async function compare(next: (sight: Sight, count: number) => Action | null): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this makes network namespaces: run it as root");
  await using first = await startProcess(["unshare", "--net"]);
  await using second = await startProcess(["unshare", "--net"]);
  await first.netns.ip(...DEVICES);
  // Of several in one batch ip(8) adds the first alone.
  for (const name of WITH_MULTICAST) await first.netns.ip(`maddr add 33:33:00:00:77:77 dev ${name}`);
  const linux = createLinux();
  using real = arenaOf(linux, { a: first.pid, b: second.pid });

  const world = createWorld(randomFrom(1));
  const home = addNamespace(world);
  const [a, b] = [addNamespace(world), addNamespace(world)];
  const pids = { a: spawn(world, a).pid, b: spawn(world, b).pid };
  imitate(
    world,
    a,
    look(real).a.map(({ device }) => device),
  );
  for (const { device, multicasts } of look(real).a)
    a.links.get(device.ifindex)?.multicasts.push(...multicasts);
  using system = createSystem(world, home);
  using model = arenaOf(system, pids);

  expect(look(model)).toEqual(look(real));
  const history: string[] = [];
  for (let count = 0; ; count++) {
    const action = next(look(model), count);
    if (action === null) break;
    const said = { real: play(real, action), model: play(model, action) };
    history.push(`${JSON.stringify(action)} => ${said.real}`);
    const upTo = `after\n${history.join("\n")}`;
    expect({ upTo, said: said.model, ...look(model) }).toEqual({ upTo, said: said.real, ...look(real) });
  }
  expect(linux.strayThreads()).toEqual([]);
  linux.close(linux.homeFd);
}

const NEXTHOPS: readonly Action[] = [
  { do: "add-nexthop", on: "a", ifindex: 999, nexthop: { id: 4, gateway: null } },
  { do: "add-nexthop", on: "a", ifindex: 4, nexthop: { id: 5, gateway: null } },
  { do: "change", on: "a", ifindex: 4, change: { up: true } },
  { do: "add-nexthop", on: "a", ifindex: 4, nexthop: { id: 6, gateway: null } },
  { do: "add-nexthop", on: "a", ifindex: 4, nexthop: { id: 5, gateway: null } },
  { do: "add-nexthop", on: "a", ifindex: 4, nexthop: { id: 5, gateway: null } },
  { do: "change", on: "a", ifindex: 4, change: { name: "d9", mtu: 1300 } },
  { do: "change", on: "a", ifindex: 4, change: { up: false } },
  { do: "change", on: "a", ifindex: 4, change: { up: true } },
  { do: "add-nexthop", on: "a", ifindex: 4, nexthop: { id: 5, gateway: null } },
  { do: "change", on: "a", ifindex: 4, change: {}, to: "b" },
  { do: "change", on: "b", ifindex: 4, change: {}, to: "a" },
];

test("the model keeps and loses nexthop objects as the kernel does", async () => {
  await compare((_, count) => NEXTHOPS[count] ?? null);
});

const RULES: readonly Action[] = [
  { do: "add-rule", on: "a", ifindex: 4, iif: "d1", priority: 100 },
  { do: "add-rule", on: "a", ifindex: 4, iif: "d1", priority: 100 },
  { do: "add-rule", on: "a", ifindex: 4, iif: "d9", priority: 101 },
  { do: "change", on: "a", ifindex: 4, change: { name: "d9" } },
  { do: "change", on: "a", ifindex: 4, change: { up: true } },
  { do: "change", on: "a", ifindex: 4, change: {}, to: "b" },
  { do: "change", on: "b", ifindex: 4, change: { name: "eth1" } },
  { do: "change", on: "b", ifindex: 4, change: { name: "d1" }, to: "a" },
  { do: "change", on: "a", ifindex: 4, change: { name: "d9" } },
];

test("policy rules hold for the devices of the model as for those of the kernel", async () => {
  await compare((_, count) => RULES[count] ?? null);
});

for (let seed = 1; seed <= Number(process.env.SEEDS ?? 8); seed++) {
  test(`any 40 requests are answered by the model as by the kernel: seed ${seed}`, async () => {
    const random = randomFrom(seed);
    await compare((sight, count) => (count < 40 ? anyAction(random, sight) : null));
  });
}
