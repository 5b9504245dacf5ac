import { expect } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor, mappingWith } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";
import { until } from "../helpers/until.ts";

// "`netdevd plan EVENT.json [--json]`: dry run: which mapping matches the event and why (or why none does), which
// devices it would take, each step in order, each conflict; touches nothing; needs no running daemon: 0 would work,
// 1 conflict, 2 bad input, 3 no mapping matches."

async function labWith(mappings: string): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  lab.configure(mappings);
  return lab;
}

function eventFile(lab: Lab, event: unknown): string {
  const path = join(lab.folder, "event.json");
  writeFileSync(path, typeof event === "string" ? event : JSON.stringify(event));
  return path;
}

test("a plan that would work names mapping, device, new name and addresses, and touches nothing", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  const container = await lab.container();
  const host = await pictureOf(lab.host);
  const inside = await pictureOf(container.netns);
  const event = eventFile(lab, { id: "c1", status: "creating", pid: container.pid });

  const text = await lab.netdevd("plan", event);
  expect(text.code).toBe(0);
  for (const word of ["for-c1", "d0", "eth1", "192.0.2.1/24", "2001:db8:2::1/64"])
    expect(text.stdout).toContain(word);

  const json = await lab.netdevd("plan", event, "--json");
  expect(json.code).toBe(0);
  const plan = JSON.stringify(JSON.parse(json.stdout));
  for (const word of ["for-c1", '"d0"', '"eth1"']) expect(plan).toContain(word);

  expect(await pictureOf(lab.host)).toEqual(host);
  expect(await pictureOf(container.netns)).toEqual(inside);
  expect(readdirSync(lab.state)).toEqual([]);
  expect(readdirSync(lab.results)).toEqual([]);
});

test("a plan is made beside a running daemon as well", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  await lab.start();
  const container = await lab.container();
  const event = eventFile(lab, { id: "c1", status: "creating", pid: container.pid });
  expect(await lab.netdevd("plan", event)).toMatchObject({ code: 0 });
  expect((await lab.daemon.status()).containers).toEqual([]);
});

const conflicts: [title: string, mapping: string, inside: string[], says: RegExp][] = [
  ["a device that is not there", mappingFor("c1", 'match = { name = "d7" }'), [], /d7/],
  ["a name that is taken inside", D0_AS_ETH1, ["link add eth1 type ifb"], /eth1/],
  ["a device that is guarded", mappingFor("c1", 'match = { name = "lo" }'), [], /lo\b/],
];

for (const [title, mapping, commands, says] of conflicts) {
  test(`a conflict is told, and the exit code is 1: ${title}`, async () => {
    await using lab = await labWith(mapping);
    const container = await lab.container();
    if (commands.length > 0) await container.netns.ip(...commands);
    const event = eventFile(lab, { id: "c1", status: "creating", pid: container.pid });
    const { code, stdout, stderr } = await lab.netdevd("plan", event);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(says);
    const json = await lab.netdevd("plan", event, "--json");
    expect(json.code).toBe(1);
    expect(JSON.stringify(JSON.parse(json.stdout))).toMatch(says);
  });
}

test("a container whose process is gone is a conflict", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  const container = await lab.container();
  await container.kill();
  const event = eventFile(lab, { id: "c1", status: "creating", pid: container.pid });
  expect(await lab.netdevd("plan", event)).toMatchObject({ code: 1 });
});

test("no mapping matches: exit 3, and why not", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  const container = await lab.container();
  const event = eventFile(lab, { id: "c2", status: "creating", pid: container.pid });
  const { code, stdout, stderr } = await lab.netdevd("plan", event);
  expect(code).toBe(3);
  expect(stdout + stderr).toContain("for-c1");
  const json = await lab.netdevd("plan", event, "--json");
  expect(json.code).toBe(3);
  JSON.parse(json.stdout);
});

for (const [title, event] of [
  ["no JSON", "{"],
  ["no event", { id: "c1", status: "resting" }],
] as const) {
  test(`bad input exits 2: ${title}`, async () => {
    await using lab = await labWith(D0_AS_ETH1);
    const path = eventFile(lab, event);
    const { code, stderr } = await lab.netdevd("plan", path);
    expect(code).toBe(2);
    expect(stderr).toContain(path);
  });
}

test("bad input exits 2: an event file that is not there, a config that is bad", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  expect(await lab.netdevd("plan", join(lab.folder, "nothing.json"))).toMatchObject({ code: 2 });
  const event = eventFile(lab, { id: "c1", status: "stopped" });
  lab.configure("nonsense = 1");
  expect(await lab.netdevd("plan", event)).toMatchObject({ code: 2 });
});

test("the plan is what then happens: the same devices under the same names", async () => {
  await using lab = await labWith(mappingFor("c1", 'match = { name = "d0*" }\ncount = 2\nname = "net%d"'));
  const container = await lab.container();
  await container.netns.ip("link add net0 type ifb");
  const state = { id: "c1", status: "creating", pid: container.pid };
  const { stdout } = await lab.netdevd("plan", eventFile(lab, state), "--json");
  await lab.start();
  const verdict = await lab.event(state);
  expect(verdict.devices.map(({ host_name, name }) => [host_name, name])).toEqual([
    ["d0", "net1"],
    ["d0-far", "net2"],
  ]);
  for (const { host_name, name } of verdict.devices) {
    expect(stdout).toContain(host_name);
    expect(stdout).toContain(name);
  }
});

test("what the host is without meanwhile is told, and comes about", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 dev d0",
    "route add default via 192.0.2.254",
    "link add mv0 link d0 type macvlan",
    "link add vx0 type vxlan id 42 remote 192.0.2.99 dev d0 dstport 4789",
    ...makeDevice("veth", "d1"),
    "link add br0 type bridge",
    "link set d1 master br0",
  );
  const devices = ["d0", "d1"].map((name) => `match = { name = "${name}" }\nforce = true`);
  lab.configure(mappingFor("c1", ...devices));
  const container = await lab.container();
  const event = { id: "c1", status: "creating", pid: container.pid };
  const file = eventFile(lab, event);
  const { code, stdout } = await lab.netdevd("plan", file, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).devices).toMatchObject([
    {
      host_name: "d0",
      losses: [
        "mv0, which is built on it, works only as the container lets it",
        "vx0 is destroyed: a vxlan ends when its device leaves",
        "the host loses a default route: d0 carries a default route",
      ],
    },
    { host_name: "d1", losses: ["br0 has one port less"] },
  ]);
  expect((await lab.netdevd("plan", file)).stdout).toContain(
    "  meanwhile mv0, which is built on it, works only as the container lets it\n",
  );

  await lab.start();
  expect((await lab.event(event)).outcome).toBe("attached");
  expect(await lab.host.names()).toEqual(["br0", "d0-far", "d1-far", "mv0"]);
  expect(await lab.host.json("route show default")).toEqual([]);
});

test("a plan tells what the container would wait for, and for how long", async () => {
  await using lab = await labWith(mappingWith("c1", 'wait = "1m30s"', 'match = { name = "late0" }'));
  const container = await lab.container();
  const event = eventFile(lab, { id: "c1", status: "creating", pid: container.pid });
  const text = await lab.netdevd("plan", event);
  expect(text.code).toBe(1);
  expect(text.stdout).toContain("waits up to 90 s");
  const json = await lab.netdevd("plan", event, "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    waits: { seconds: 90, for: { code: "device-missing" } },
    conflicts: [{ code: "device-missing" }],
  });
});

/** The plan of an event, as JSON. */
async function planOf(lab: Lab, event: unknown): Promise<{ code: number; text: string; json: Explained }> {
  const path = eventFile(lab, event);
  const { code, stdout } = await lab.netdevd("plan", path, "--json");
  const { stdout: text } = await lab.netdevd("plan", path);
  return { code, text, json: JSON.parse(stdout) };
}

interface Explained {
  readonly considered: { name: string; matches: boolean; why: string | null }[];
  readonly requests: { sees: { name: string; guards: { rule: string }[] }[]; takes: string[] }[];
  readonly devices: { host_name: string; name: string; steps: string[]; losses: string[] }[];
  readonly conflicts: { code: string; device: string | null; mend: string | null }[];
  readonly notes: string[];
}

test("it tells why each mapping before the one that applies does not, what each selector sees and what guards that", async () => {
  await using lab = await labWith(
    mappingFor("x*", 'match = { name = "d0" }') +
      mappingFor("c*", 'match = { name = "d*" }\ncount = 2\nname = "net%d"') +
      mappingFor("*", 'match = { name = "d0" }'),
  );
  await lab.host.ip(...makeDevice("macvlan", "d1"), "route add default dev d0");
  const container = await lab.container();
  const { code, text, json } = await planOf(lab, { id: "c1", status: "creating", pid: container.pid });
  expect(code).toBe(0);
  expect(json.considered).toEqual([
    { name: "for-x*", matches: false, why: 'id "c1" does not match "x*"' },
    { name: "for-c*", matches: true, why: 'id "c1" matches "c*"' },
  ]);
  const [request] = json.requests;
  expect(request?.takes).toEqual(["d0-far", "d1"]);
  expect(request?.sees.map(({ name, guards }) => [name, ...guards.map(({ rule }) => rule)])).toEqual([
    ["d0", "default-route"],
    ["d0-far"],
    ["d1"],
    ["d1-far"],
    ["d1-low", "built-on"],
  ]);
  expect(text).toContain("sees d0, d0-far, d1, d1-far, d1-low");
  expect(text).toContain("d0 is not given away: it carries a default route");
});

test("by force it names what will be cut off or destroyed, and which guards are lifted", async () => {
  await using lab = await labWith(mappingFor("c1", 'match = { name = "d0" }\nforce = true'));
  await lab.host.ip(
    "link add m0 link d0 type macvlan",
    "link add vx0 type vxlan id 9 remote 192.0.2.9 dev d0 dstport 4789",
    "route add default dev d0",
  );
  const container = await lab.container();
  const { code, text, json } = await planOf(lab, { id: "c1", status: "creating", pid: container.pid });
  expect(code).toBe(0);
  expect(json.devices[0]?.losses.join("\n")).toMatch(
    /m0.*only as the container lets it\n.*vx0.*destroyed.*\n.*default route/,
  );
  expect(text).toContain("by force d0, though it carries a default route");
  expect(text).toMatch(/vx0 is destroyed/);
});

test("all conflicts are told at once, each with what to do about it", async () => {
  await using lab = await labWith(
    mappingFor(
      "c1",
      'match = { name = "d7" }',
      'match = { name = "d0" }\nname = "eth1"',
      'match = { name = "lo" }',
      'match = { name = "d0-far" }\nname = "d0-with-a-long"',
    ),
  );
  const container = await lab.container();
  await container.netns.ip("link add eth1 type ifb", "link add x type ifb");
  await container.netns.ip("link property add dev x altname d0-with-a-long");
  const { code, text, json } = await planOf(lab, { id: "c1", status: "creating", pid: container.pid });
  expect(code).toBe(1);
  expect(json.conflicts.map(({ code, device }) => [code, device])).toEqual([
    ["device-missing", null],
    ["name-taken", "d0"],
    ["device-guarded", "lo"],
    ["name-taken", "d0-far"],
  ]);
  for (const { mend } of json.conflicts) expect(mend).not.toBeNull();
  expect(text.split("\n").filter((line) => line.startsWith("conflict: "))).toHaveLength(4);
  expect(text).toContain("  mend: ");
});

test("beside a daemon that holds devices, and one that was killed: it tells who holds what, and touches nothing", async () => {
  await using lab = await labWith(
    mappingFor("c*", 'match = { name = "d0" }\nname = "eth1"') + mappingFor("d*", 'match = { name = "d0" }'),
  );
  await lab.start();
  const container = await lab.container();
  const other = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached" });
  const look = async () => ({
    host: await pictureOf(lab.host),
    inside: await pictureOf(container.netns),
    other: await pictureOf(other.netns),
    state: readdirSync(lab.state).toSorted(),
    results: readdirSync(lab.results),
    spool: readdirSync(lab.spoolFolder),
  });
  const plans = async () => {
    const before = await look();
    const again = await planOf(lab, { id: "c1", status: "creating", pid: container.pid });
    expect(again).toMatchObject({ code: 0, json: { devices: [], conflicts: [] } });
    expect(again.text).toContain("container c1 has its devices already");
    const taken = await planOf(lab, { id: "d2", status: "creating", pid: other.pid });
    expect(taken).toMatchObject({ code: 1, json: { conflicts: [{ code: "device-held", device: "d0" }] } });
    expect(await look()).toEqual(before);
  };
  await plans();
  lab.daemon.signal("SIGKILL");
  await until("the daemon to be dead", () => !lab.daemon.running());
  await plans();
  await lab.start();
});
