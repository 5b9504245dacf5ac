import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inContainer } from "../helpers/container.ts";
import { attachedContainer, furnished } from "../helpers/furnished.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";
import { startProcess } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

// A container moves a device on to a namespace that it has made, and all of it ends at once: the kernel would delete
// a virtual device there. netdevd holds that namespace from the move on.

const MAPPING = mappingFor("c1", 'match = { name = "d0" }\nname = "eth0"', 'match = { name = "d1" }');

async function attached() {
  const lab = await Lab.create();
  const before = await furnished(lab.host, "veth", "macvlan");
  await lab.start(MAPPING);
  const container = await attachedContainer(lab, "c1", { mountNamespace: true });
  return { lab, before, container };
}

/** What is made inside: `unshare --net` by somebody who is in `outer`. */
function nestedIn(outer: Process): Promise<Process> {
  return startProcess(["nsenter", `--net=${outer.netns.path}`, "unshare", "--net"]);
}

function killAtOnce(...processes: readonly Process[]): void {
  for (const { pid } of processes) process.kill(pid, "SIGKILL");
}

async function pinned(lab: Lab, count: number): Promise<void> {
  const pins = () => readdirSync(join(lab.state, "pins"));
  await until(`${count} namespaces to be pinned`, () => pins().length === count, {
    detail: () => `${pins().join(" ")}\n${lab.daemon.log()}`,
  });
}

async function expectHome(lab: Lab, before: unknown): Promise<void> {
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before as never);
  await pinned(lab, 0);
}

for (const first of ["the container", "what is in it"] as const) {
  test(`moved on, and on from there; all killed at once, ${first} first`, async () => {
    const { lab, before, container } = await attached();
    await using _ = lab;
    await using nested = await nestedIn(container);
    await using deeper = await nestedIn(nested);
    await container.netns.ip(`link set eth0 netns ${nested.pid}`, `link set d1 netns ${nested.pid}`);
    await nested.netns.ip("link set eth0 name wan", `link set wan netns ${deeper.pid}`);
    await deeper.netns.ip("link set wan name far address 02:00:00:00:00:77");
    await pinned(lab, 3);
    const all = [container, nested, deeper];
    killAtOnce(...(first === "the container" ? all : all.toReversed()));
    await expectHome(lab, before);
  });
}

test("moved on twice in a breath: it is held where it is", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  await using nested = await nestedIn(container);
  await using deeper = await nestedIn(nested);
  await container.netns.run(
    "sh",
    "-ec",
    `ip link set eth0 netns ${nested.pid}; nsenter --target ${nested.pid} --net ip link set eth0 netns ${deeper.pid}`,
  );
  await until("it to be held there", () => lab.daemon.log().split("moved on inside").length === 3);
  killAtOnce(deeper, nested, container);
  await expectHome(lab, before);
});

test("`ip netns add` inside the container: held by a mount that nobody outside sees", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  await inContainer(
    container,
    "ip netns add inner; ip link set eth0 netns inner; ip -n inner link set eth0 up",
  );
  await pinned(lab, 2);
  killAtOnce(container);
  await expectHome(lab, before);
});

test("the namespace within ends by itself: the device comes home with the container", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  const nested = await nestedIn(container);
  await container.netns.ip(`link set eth0 netns ${nested.pid}`);
  await pinned(lab, 2);
  await nested.kill();
  expect((await lab.daemon.status()).containers).toMatchObject([{ id: "c1", state: "attached" }]);
  killAtOnce(container);
  await expectHome(lab, before);
});

test("the daemon is killed behind the move, and all else while none runs", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  await using nested = await nestedIn(container);
  await container.netns.ip(`link set eth0 netns ${nested.pid}`);
  await pinned(lab, 2);
  await lab.daemon.end("SIGKILL");
  killAtOnce(nested, container);
  await lab.start();
  await expectHome(lab, before);
});

test("so `netdevd release --all` without a daemon", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  await using nested = await nestedIn(container);
  await container.netns.ip(`link set eth0 netns ${nested.pid}`);
  await pinned(lab, 2);
  await lab.daemon.end("SIGKILL");
  killAtOnce(nested, container);
  expect((await lab.netdevd("release", "--all")).code).toBe(0);
  expect(await lab.host.devices()).toEqual(before);
  expect(readdirSync(join(lab.state, "pins"))).toEqual([]);
});

test("moved on while no daemon runs, and on again while the next one is dead: the one after it holds it", async () => {
  const { lab, before, container } = await attached();
  await using _ = lab;
  await using nested = await nestedIn(container);
  await using deeper = await nestedIn(nested);
  await lab.daemon.end("SIGKILL");
  await container.netns.ip(`link set eth0 netns ${nested.pid}`);
  await lab.start();
  await pinned(lab, 2);
  await lab.daemon.end("SIGKILL");
  await nested.netns.ip(`link set eth0 netns ${deeper.pid}`);
  await lab.start();
  await until("it to be held there", () => lab.daemon.log().includes("moved on inside"));
  killAtOnce(deeper, nested, container);
  await expectHome(lab, before);
});
