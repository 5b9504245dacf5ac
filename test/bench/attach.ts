/**
 * What an attach and a return cost beside the kernel's own move: `bun run bench`, as root.
 *
 * The real engine and kernel worker move a veth of a private namespace in and home again, and in the same run,
 * in turns, a bare RTM_NEWLINK does. The kernel's move takes 10 to 30 ms and varies: read the columns against
 * each other and not as they are.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerEvent, ReleaseEvent } from "../../src/domain/event.ts";
import { ANY_DEVICE, type Mapping } from "../../src/domain/mapping.ts";
import { indexed } from "../../src/domain/mappings.ts";
import { NO_CHANGE } from "../../src/domain/step.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { openJournal } from "../../src/engine/journal.ts";
import { createLinux } from "../../src/engine/linux.ts";
import { readDeviceByName } from "../../src/engine/reader.ts";
import { createRegistry } from "../../src/engine/registry.ts";
import { connect } from "../../src/netlink/connection.ts";
import { changeLink } from "../../src/netlink/link.ts";
import { clock } from "../../src/service/clock.ts";
import { startKernel } from "../../src/service/kernel-client.ts";

const ROUNDS = 40;
const INSIDE = "--inside";

if (process.geteuid?.() !== 0) {
  console.error("the bench moves real devices: it needs root");
  process.exit(1);
}
if (process.argv[2] !== INSIDE) {
  const host = Bun.spawnSync(["unshare", "-n", process.execPath, import.meta.path, INSIDE], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, BUN_GC_TIMER_DISABLE: "1" },
  });
  process.exit(host.exitCode);
}

for (const line of [
  "link add nic0 type veth peer name far0",
  "link set far0 up",
  "link set nic0 up",
  "addr add 192.0.2.1/24 dev nic0",
  "addr add 2001:db8::1/64 dev nic0 nodad",
]) {
  Bun.spawnSync(["ip", ...line.split(" ")]);
}

const folder = mkdtempSync(join(tmpdir(), "netdevd-bench-"));
const client = await startKernel(
  { folder: join(folder, "pins"), store: null },
  () => undefined,
  (error) => {
    throw error;
  },
);
const { journal } = openJournal(folder, { bootId: "bench", homeCookie: await client.kernel.homeCookie() });
const mapping: Mapping = {
  name: "bench",
  container: { id: "*", annotations: {}, bundle: null },
  required: true,
  wait: 0,
  onExit: "return",
  devices: [
    {
      match: { ...ANY_DEVICE, name: "nic0" },
      count: 1,
      name: "eth1",
      addresses: null,
      routes: [],
      sysctls: {},
      mtu: null,
      mac: null,
      dad: "keep",
      up: true,
      force: false,
    },
  ],
};
const mappings = indexed([mapping]);
const engine = createEngine({
  kernel: client.kernel,
  registry: createRegistry(journal, () => undefined),
  log: () => undefined,
  ...clock,
  mappings: () => mappings,
});

const linux = createLinux();
const home = connect(linux.home());
const bare: number[] = [];
const attach: number[] = [];
const homeward: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const container = Bun.spawn(["unshare", "-n", "sleep", "60"]);
  await Bun.sleep(30);
  const event: ContainerEvent = {
    type: "container",
    name: `event-${round}.json`,
    id: "bench",
    status: "creating",
    target: { by: "pid", pid: container.pid },
    bundle: null,
    annotations: {},
    writtenAt: Date.now(),
  };
  attach.push(await timed(async () => expectOutcome(await engine.handle(event), "attached")));
  const release: ReleaseEvent = { type: "release", name: "release.json", id: "bench" };
  homeward.push(await timed(async () => expectOutcome(await engine.handle(release), "returned")));
  bare.push(await bareMove(container.pid));
  container.kill(9);
  await container.exited;
  // Taking a namespace down holds the same lock as a move: it is not to fall into the next round.
  await Bun.sleep(100);
}
rmSync(folder, { recursive: true });
print("a bare move", bare);
print("attach, all of it", attach);
print("return, all of it", homeward);
console.log(`attach over a bare move: ${(median(attach) - median(bare)).toFixed(2)} ms, medians`);
process.exit(0);

/** The move alone, there and back; the time there. */
async function bareMove(pid: number): Promise<number> {
  const namespace = linux.open(`/proc/${pid}/ns/net`);
  using socket = linux.enter(namespace);
  const device = readDeviceByName(home, "nic0");
  if (device === null) throw new Error("nic0 is not home");
  const there = { namespace, newIfindex: null };
  const time = await timed(async () =>
    home.request(changeLink(device.ifindex, NO_CHANGE, there, "bare move")),
  );
  const back = { namespace: linux.homeFd, newIfindex: null };
  connect(socket).request(changeLink(device.ifindex, { ...NO_CHANGE, up: true }, back, "bare move"));
  linux.close(namespace);
  return time;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = Bun.nanoseconds();
  await work();
  return (Bun.nanoseconds() - start) / 1e6;
}

function expectOutcome(verdict: { readonly outcome: string }, outcome: string): void {
  if (verdict.outcome !== outcome) throw new Error(JSON.stringify(verdict));
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

function print(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const range = `${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)}`;
  console.log(`${what.padEnd(20)} median ${median(times).toFixed(2)} ms, ${range}`);
}
