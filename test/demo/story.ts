import { join } from "node:path";
import type { DeviceState } from "../helpers/device-state.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { type Telling, timed } from "./telling.ts";
import { World } from "./world.ts";

const PICTURE = `
    switch                 host                      container
  +---------+         +-----------+               +-------------+
  |  port0 =|= cable =|= nic0     | -- netdevd -> |  eth1       |
  |         |         |           | <- netdevd -- |             |
  +---------+         +-----------+               +-------------+`;

const MAPPING = `[[mapping]]
name = "demo"
container = { id = "demo-*" }
  [[mapping.device]]
  match = { name = "nic0" }
  name = "eth1"
`;

const ID = "demo-1";
const EVENT = "demo-1.json";
/** How long a device may take to come home, milliseconds. */
const PATIENCE_MS = 4000;
const PEERS = ["192.0.2.254", "2001:db8::254"];

/**
 * A device goes into a container, is used there, and is home again when the container has been killed.
 *
 * @param signal ends it: everything is cleaned up, and the reason is thrown
 */
export async function tellStory({ step, say, show }: Telling, signal: AbortSignal): Promise<void> {
  await using world = await World.create(signal);
  const { host, switch: far, spool } = world;

  step("A host with a network device");
  show(PICTURE.slice(1));
  say("Three network namespaces, made for this run alone; nothing of this machine's own network is touched.");
  say(`The host is that of pid ${host.pid}, the switch that of pid ${far.pid}.`);
  const [before, proving] = await timed(() => furnished(world));
  say(`nic0 is up; the kernel took ${proving} to prove that nobody else has its IPv6 address.`);
  show(await addressesOf(host.netns, "nic0"));

  step("netdevd starts on the host, with one mapping");
  world.configure(MAPPING);
  show(MAPPING);
  const [daemon, starting] = await timed(() => world.start());
  say(`netdevd run: pid ${daemon.pid}, ready in ${starting}.`);

  step("A container starts, and its runtime's hook drops an event");
  const container = await world.container();
  const event = { ociVersion: "1.0.2", id: ID, status: "creating", pid: container.pid, bundle: "/b" };
  say(`The container: pid ${container.pid} in a network namespace of its own, with no device but lo.`);
  say(`The file ${join("spool", EVENT)}:`);
  show(JSON.stringify(event));
  const [verdict, attaching] = await timed(async () => {
    spool.drop(event, { name: EVENT });
    return await world.until(`the verdict on ${EVENT}`, () => spool.verdictNow(EVENT) ?? undefined);
  });
  say(`The answer in ${join("results", EVENT)}, ${attaching} later:`);
  show(JSON.stringify(verdict));
  must(verdict.outcome === "attached", `the verdict is ${verdict.outcome}, not attached`);

  step("The device is inside, and works at once");
  const inside = await container.netns.device("eth1");
  show(await addressesOf(container.netns, "eth1"));
  same("inside", { ...inside, name: "nic0", ifindex: before.ifindex, rest: before.rest }, before);
  must(!(await host.netns.names()).includes("nic0"), "nic0 is on the host still");
  say("The host has no nic0 any more. Across the cable, from inside the container:");
  show(await container.netns.run(process.execPath, join(import.meta.dir, "ping.ts"), ...PEERS));
  world.check();
  world.check();

  step("The container is killed");
  const [home, returning] = await timed(async () => {
    await container.kill();
    return await atHome(world, before);
  });
  say(`kill -9 ${container.pid}; nic0 is home ${returning} later.`);
  show(await addressesOf(host.netns, "nic0"));
  same("home", home, before);
  say(
    "`ip -details -json addr` tells the same as before: name, number, MAC, MTU, altname, alias, addresses,",
  );
  say("all of it (but the fe80:: address, which the kernel makes anew each time a link comes up).");

  step("netdevd stops");
  const [, stopping] = await timed(() => daemon.stop());
  say(`SIGTERM; it ended with exit code 0, ${stopping} later.`);
  must((await far.netns.names()).includes("port0"), "the other end of the cable is gone");
}

/** Makes nic0 and its cable to the switch; gives what nic0 is once its IPv6 address is proven. */
async function furnished(world: World): Promise<DeviceState> {
  const { host, switch: far } = world;
  await host.netns.ip(`link add nic0 mtu 1400 type veth peer name port0 netns ${far.pid}`);
  await far.netns.ip(
    "addr add 192.0.2.254/24 dev port0",
    "addr add 2001:db8::254/64 dev port0 nodad",
    "link set port0 mtu 1400 up",
  );
  await host.netns.ip(
    'link set nic0 alias "to port 0"',
    "link property add dev nic0 altname uplink",
    "link set nic0 up",
    "addr add 192.0.2.1/24 broadcast + dev nic0",
    "addr add 2001:db8::1/64 dev nic0",
  );
  return await world.until("the kernel to prove 2001:db8::1 unique", async () => {
    const state = await host.netns.device("nic0");
    return state.addresses.includes("2001:db8::1/64") && state;
  });
}

/** nic0 when it is home as it was, or what is there of it when it should long have been. */
async function atHome(world: World, before: DeviceState): Promise<DeviceState> {
  const { netns } = world.host;
  const deadline = performance.now() + PATIENCE_MS;
  return await world.until("nic0 to come home", async () => {
    if (!(await netns.names()).includes("nic0")) return false;
    const now = await netns.device("nic0");
    return (Bun.deepEquals(now, before) || performance.now() > deadline) && now;
  });
}

function addressesOf(netns: Namespace, name: string): Promise<string> {
  return netns.run("sh", "-c", `ip addr show dev ${name} | grep -v valid_lft`);
}

/** That a device is what it was, to every member. */
function same(where: string, now: DeviceState, was: DeviceState): void {
  const differences = Object.entries(was).flatMap(([key, value]) => {
    const is = Object.entries(now).find(([other]) => other === key)?.[1];
    return Bun.deepEquals(is, value) ? [] : [`${key} is ${JSON.stringify(is)}, was ${JSON.stringify(value)}`];
  });
  must(differences.length === 0, `nic0 is not what it was ${where}: ${differences.join("; ")}`);
}

function must(holds: boolean, fault: string): void {
  if (!holds) throw new Error(fault);
}
