import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { attachedContainer, furnished } from "../helpers/furnished.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { startProcess } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

// What else may die while a device is away, and what comes of it.

const d = (number: number, name: string) => `match = { name = "d${number}" }\nname = "${name}"`;

test("a container that is killed while eight devices are on their way in, at any moment", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, ...Array.from({ length: 8 }, () => "veth" as const));
  await lab.start(mappingFor("c*", 'match = { name = "d?" }\ncount = "all"'));
  for (const [round, delay] of [10, 40, 80, 120, 160, 200].entries()) {
    const container = await lab.container();
    const event = lab.drop({ id: `c${round}`, status: "creating", pid: container.pid });
    await Bun.sleep(delay);
    await container.kill();
    expect((await lab.verdict(event)).outcome).toBeOneOf(["attached", "refused", "failed"]);
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  }
});

for (const daemon of ["lives", "is dead, too"] as const) {
  test(`\`ip netns del\` of a namespace that only the daemon holds, which ${daemon}`, async () => {
    await using lab = await Lab.create();
    const before = await furnished(lab.host, "veth");
    await lab.start(mappingFor("c1", d(0, "eth1")));
    const name = `netdevd-test-${lab.hostPid}`;
    const path = `/run/netns/${name}`;
    expect((await lab.onHost("ip", "netns", "add", name)).code).toBe(0);
    expect((await lab.event({ id: "c1", status: "creating", netns: path })).outcome).toBe("attached");
    if (daemon !== "lives") await lab.daemon.end("SIGKILL");
    expect((await lab.onHost("ip", "netns", "del", name)).code).toBe(0);
    if (daemon === "lives") {
      expect((await lab.daemon.status()).containers).toMatchObject([{ id: "c1", state: "attached" }]);
      expect((await lab.event({ id: "c1", status: "stopped" })).outcome).toBe("returned");
    } else {
      // Nobody but its pin is left to say that it is there: nobody can be using it.
      await lab.start();
      await lab.daemon.empty();
    }
    expect(await lab.host.devices()).toEqual(before);
    expect(readdirSync(join(lab.state, "pins"))).toEqual([]);
  });
}

const GONE: readonly [string, (lab: Lab) => Promise<void>][] = [
  ["the peer of a veth", (lab) => lab.host.ip("link del d1-far")],
  ["the lower device of a macvlan", (lab) => lab.host.ip("link del d2-low")],
];

for (const [what, remove] of GONE) {
  test(`${what} is deleted while the device is inside: it is told as gone, and the others come home`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(
      ...makeDevice("veth", "d0"),
      ...furnish("d0"),
      ...makeDevice("veth", "d1"),
      ...makeDevice("macvlan", "d2"),
      ...makeDevice("tap", "d3"),
    );
    const before = await lab.host.devices();
    const daemon = await lab.start(mappingFor("c1", d(0, "eth0"), d(1, "eth1"), d(2, "eth2"), d(3, "eth3")));
    const container = await attachedContainer(lab, "c1");
    await remove(lab);
    const verdict = await lab.event({ id: "c1", status: "stopped" });
    const lost = what.includes("veth") ? "d1" : "d2";
    expect(verdict).toMatchObject({
      outcome: "returned",
      warnings: [{ code: "device-missing", device: lost }],
    });
    expect((await daemon.status()).containers).toEqual([]);
    expect((await daemon.get("/readyz")).status).toBe(200);
    expect(daemon.log()).toContain(`${lost} is no more`);
    const after = await lab.host.devices();
    for (const name of ["d0", "d1", "d2", "d3"].filter((one) => one !== lost)) {
      expect(after[name]).toEqual(before[name]);
    }
    await container.kill();
  });

  test(`${what} is deleted at any moment of the way home: nothing hangs, and the others come home`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("tap", "d3"));
    const before = await lab.host.devices();
    await lab.start(mappingFor("c*", d(0, "eth0"), d(1, "eth1"), d(2, "eth2"), d(3, "eth3")));
    for (const [round, delay] of [0, 10, 25, 50, 80].entries()) {
      await lab.host.ip(...makeDevice("veth", "d1"), ...makeDevice("macvlan", "d2"));
      const container = await attachedContainer(lab, `c${round}`);
      await container.kill();
      await Bun.sleep(delay);
      await remove(lab);
      await lab.daemon.empty();
      const { d0, d3 } = await lab.host.devices();
      expect({ d0, d3 }).toEqual({ d0: before.d0, d3: before.d3 });
      const left = (await lab.host.names()).filter((name) => ["d1", "d2-low"].includes(name));
      await lab.host.ip(...left.map((name) => `link del ${name}`));
    }
  });

  test(`${what} is deleted at any moment of the way in: that is answered, and the others come home`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("tap", "d3"));
    const before = await lab.host.devices();
    await lab.start(mappingFor("c*", d(0, "eth0"), d(1, "eth1"), d(2, "eth2"), d(3, "eth3")));
    for (const [round, delay] of [0, 10, 25, 50, 80].entries()) {
      await lab.host.ip(...makeDevice("veth", "d1"), ...makeDevice("macvlan", "d2"));
      const container = await lab.container();
      const event = lab.drop({ id: `c${round}`, status: "creating", pid: container.pid });
      await Bun.sleep(delay);
      await remove(lab);
      expect((await lab.verdict(event)).outcome).toBeOneOf(["attached", "refused", "failed"]);
      await container.kill();
      await lab.daemon.empty();
      const { d0, d3 } = await lab.host.devices();
      expect({ d0, d3 }).toEqual({ d0: before.d0, d3: before.d3 });
      const left = (await lab.host.names()).filter((name) => ["d1", "d2-low"].includes(name));
      await lab.host.ip(...left.map((name) => `link del ${name}`));
    }
  });
}

for (const [end, bringHome] of [
  ["`stopped`", (lab: Lab) => lab.event({ id: "c1", status: "stopped" })],
  ["`release`", (lab: Lab) => lab.netdevd("release", "c1")],
] as const) {
  test(`a device that the container moved on to a namespace of its own is followed: home on ${end}`, async () => {
    await using lab = await Lab.create();
    const before = await furnished(lab.host, "veth", "macvlan");
    await lab.start(mappingFor("c1", d(0, "eth0"), d(1, "eth1")));
    const container = await attachedContainer(lab, "c1");
    const nested = await lab.container();
    await container.netns.ip(`link set eth0 netns ${nested.pid}`, `link set eth1 netns ${nested.pid}`);
    await nested.netns.ip("link set eth0 name wan", "link set wan up", "link set eth1 name lan");
    await bringHome(lab);
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
  });
}

test("moved on to where nothing leads, it is stuck, told with where it went, and home once something does", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, "veth");
  const daemon = await lab.start(mappingFor("c1", d(0, "eth0")));
  const container = await attachedContainer(lab, "c1");
  const name = `netdevd-test-${lab.hostPid}`;
  expect((await lab.onHost("ip", "netns", "add", name)).code).toBe(0);
  const opened = ["nsenter", "--target", String(lab.hostPid), "--mount"];
  await using holder = await startProcess([...opened, "sh", "-c", `exec "$0" 3</run/netns/${name}`]);
  expect((await lab.onHost("ip", "netns", "del", name)).code).toBe(0);
  const there = `/proc/${holder.pid}/fd/3`;
  // Before it goes: whoever was in there to rename it would lead there.
  await container.netns.ip("link set eth0 name wan", `link set wan netns ${there}`);
  await until("that to be told", async () => {
    const { containers } = await daemon.status();
    return JSON.stringify(containers).includes("d0 was moved on to a namespace that neither");
  });

  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict).toMatchObject({ outcome: "failed", error: { code: "stuck", device: "d0" } });
  expect((await daemon.status()).containers).toMatchObject([{ id: "c1", state: "stuck" }]);
  expect(await (await daemon.get("/readyz")).text()).toContain("is called wan there");
  {
    await using _ = await startProcess(["nsenter", `--net=/proc/${holder.pid}/fd/3`]);
    await daemon.empty();
  }
  expect(await lab.host.devices()).toEqual(before);
});

for (const daemon of ["lives", "is dead"] as const) {
  test(`its pin taken away and its container ended, a namespace that \`ip netns\` names is found: the daemon ${daemon}`, async () => {
    await using lab = await Lab.create();
    const before = await furnished(lab.host, "veth");
    await lab.start(mappingFor("c1", d(0, "eth0")));
    const container = await attachedContainer(lab, "c1");
    const name = `netdevd-test-${lab.hostPid}`;
    expect((await lab.onHost("ip", "netns", "attach", name, String(container.pid))).code).toBe(0);
    if (daemon === "is dead") await lab.daemon.end("SIGKILL");
    for (const pin of readdirSync(join(lab.state, "pins"))) {
      expect((await lab.onHost("umount", join(lab.state, "pins", pin))).code).toBe(0);
    }
    await container.kill();
    if (daemon === "is dead") await lab.start();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
    await lab.onHost("ip", "netns", "del", name);
  });
}

test("a host with 5,000 links: the daemon starts, takes one and brings it home", async () => {
  await using lab = await Lab.create();
  const pairs = Array.from({ length: 2500 }, (_, at) => `link add a${at} type veth peer name b${at}`);
  for (let at = 0; at < pairs.length; at += 500) await lab.host.ip(...pairs.slice(at, at + 500));
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.device("d0");
  await lab.start(mappingFor("c1", d(0, "eth1")));
  const container = await attachedContainer(lab, "c1");
  // All of them change while it is away.
  const renames = Array.from({ length: 2500 }, (_, at) => `link set a${at} mtu 1400`);
  for (let at = 0; at < renames.length; at += 500) await lab.host.ip(...renames.slice(at, at + 500));
  await container.kill();
  await until("the device to be home", async () => (await lab.daemon.status()).containers.length === 0);
  expect(await lab.host.device("d0")).toEqual(before);
});
