import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import type { Namespace } from "../helpers/namespace.ts";

// "The device is home with all that it had": what somebody made of neighbours, proxies, forwarding databases, policy
// rules, queueing disciplines and multicast addresses. What cannot be put back is told.

const BRIDGE = ["link add br0 type bridge", "link set br0 up", "link set d0 master br0"];

const NEIGHBOURS = [
  "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev d0 nud permanent",
  "neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev d0 nud permanent extern_learn",
  "neigh add 2001:db8:1::9 lladdr 02:00:00:00:00:09 dev d0 nud permanent router",
  "neigh add proxy 192.0.2.77 dev d0",
  "neigh add proxy 2001:db8:1::77 dev d0",
];

async function neighbours(netns: Namespace): Promise<unknown> {
  const [made, proxies] = [
    await netns.json("neigh show dev d0 nud permanent"),
    await netns.json("neigh show proxy dev d0"),
  ];
  const lines = (rows: Record<string, unknown>[]) => rows.map((row) => JSON.stringify(row)).toSorted();
  return { made: lines(made), proxies: lines(proxies) };
}

/** What somebody made: the kernel joins multicast groups by itself, and learns. */
async function fdb(netns: Namespace): Promise<string[]> {
  const lines = (await netns.run("bridge", "fdb", "show", "dev", "d0")).trim().split("\n");
  return lines.filter((line) => /permanent|static/.test(line) && !/^(33:33|01:00:5e)/.test(line)).toSorted();
}

for (const kind of ["veth", "macvlan", "tap", "vxlan"] as const) {
  test(`a ${kind} is home with its permanent neighbours and proxies`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice(kind, "d0"), ...furnish("d0"), ...NEIGHBOURS);
    const before = await neighbours(lab.host);
    expect(before).toMatchObject({ made: { length: 3 }, proxies: { length: 2 } });
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
    expect(await container.netns.json("neigh show dev eth1 nud permanent")).toEqual([]);
    await container.kill();
    await lab.daemon.empty();
    expect(await neighbours(lab.host)).toEqual(before);
    expect(lab.daemon.log()).not.toContain("not-as-wanted");
  });
}

test("a device without carrier is home with them too", async () => {
  await using lab = await Lab.create();
  await lab.host.ip("link add d0 type veth peer name p0", ...furnish("d0"), ...NEIGHBOURS);
  expect((await lab.host.device("d0")).rest.flags).toContain("M-DOWN");
  const before = await neighbours(lab.host);
  expect(before).toMatchObject({ made: { length: 3 }, proxies: { length: 2 } });
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  await container.kill();
  await lab.daemon.empty();
  // A carrier that is lost is told within a second (net/core/link_watch.c), and the kernel may forget them then.
  await Bun.sleep(1500);
  expect(await neighbours(lab.host)).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

test("a device is home with its own forwarding database, and that of its bridge", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...BRIDGE);
  await lab.host.run("bridge", "fdb", "add", "02:00:00:00:00:11", "dev", "d0", "master", "static");
  await lab.host.run("bridge", "fdb", "add", "02:00:00:00:00:12", "dev", "d0", "self");
  const before = await fdb(lab.host);
  expect(before).toHaveLength(3);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.kill();
  await lab.daemon.empty();
  expect(await fdb(lab.host)).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

test("a vxlan is home with the other ends that it had, though its container took them", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("vxlan", "d0"), ...furnish("d0"));
  const add = (...words: string[]) => lab.host.run("bridge", "fdb", ...words);
  await add("add", "02:00:00:00:00:21", "dev", "d0", "dst", "192.0.2.55", "port", "999", "vni", "77");
  await add("append", "00:00:00:00:00:00", "dev", "d0", "dst", "192.0.2.56");
  await add("append", "00:00:00:00:00:00", "dev", "d0", "dst", "192.0.2.57");
  const before = await fdb(lab.host);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const take = (...words: string[]) => container.netns.run("bridge", "fdb", "del", ...words);
  await take("02:00:00:00:00:21", "dev", "eth1", "dst", "192.0.2.55", "port", "999", "vni", "77");
  await take("00:00:00:00:00:00", "dev", "eth1", "dst", "192.0.2.57");
  await container.kill();
  await lab.daemon.empty();
  expect(await fdb(lab.host)).toEqual(before);
});

test("policy rules that name the device stay on the host, and hold again when it is home under its name", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    "rule add iif d0 table 77 priority 100",
    "rule add oif d0 table 78 priority 101",
  );
  await lab.host.run(
    "ip",
    "-6",
    "rule",
    "add",
    "from",
    "2001:db8::/32",
    "iif",
    "d0",
    "priority",
    "100",
    "table",
    "77",
  );
  const rules = async () => [await lab.host.json("-4 rule"), await lab.host.json("-6 rule")];
  const before = await rules();
  expect(JSON.stringify(before)).not.toContain("detached");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect(JSON.stringify(await rules()).match(/detached/g)).toHaveLength(3);
  await container.netns.ip("link set eth1 name other");
  await container.kill();
  await lab.daemon.empty();
  expect(await rules()).toEqual(before);
});

test("policy rules that somebody deletes meanwhile are told when the device is home, and those that hold no more", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    "link property add dev d0 altname alt0",
    "rule add iif d0 table 77 priority 100",
    "rule add not from 192.0.2.0/24 oif d0 fwmark 0x5/0xff ipproto tcp dport 22 prohibit priority 101",
    // The kernel finds a device by its altname, and never again (attach_rules()).
    "rule add iif alt0 table 78 priority 103",
    "rule add iif other table 79 priority 104",
  );
  const inet6 = (words: string) => lab.host.run("ip", "-6", "rule", ...words.split(" "));
  await inet6("add from 2001:db8::/32 iif d0 table main priority 102");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  await lab.host.ip("rule del priority 101", "rule del priority 104");
  await inet6("del priority 102");
  const verdict = await lab.event({ id: "c1", status: "stopped" });
  expect(verdict.outcome).toBe("returned");
  expect(verdict.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual(
    [
      "policy rule 101: not from 192.0.2.0/24 fwmark 0x5/0xff oif d0 ipproto 6 dport 22 prohibit",
      "policy rule 103: from all iif alt0 lookup 78",
      "IPv6 policy rule 102: from 2001:db8::/32 iif d0 lookup main",
    ].map((rule) =>
      expect.stringContaining(`not-as-wanted: d0 is home, and its ${rule} is not there any more, or`),
    ),
  );
  expect(await lab.host.json("rule show iif d0")).toMatchObject([{ priority: 100 }]);
});

const qdiscs = async (netns: Namespace) =>
  (await netns.run("tc", "qdisc", "show", "dev", "d0")).replaceAll(/refcnt \d+ */g, "").trim();

test("a device is home with the plain qdisc at its root", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const tbf = ["handle", "5:", "root", "tbf", "rate", "1mbit", "burst", "10kb", "latency", "50ms"];
  await lab.host.run("tc", "qdisc", "add", "dev", "d0", ...tbf);
  const before = await qdiscs(lab.host);
  expect(before).toContain("qdisc tbf 5:");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  await container.kill();
  await lab.daemon.empty();
  expect(await qdiscs(lab.host)).toEqual(before);
  expect(lab.daemon.log()).not.toContain("not-as-wanted");
});

test("qdiscs that others hang on (classes, filters) are told to be made again", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.host.run("tc", "qdisc", "add", "dev", "d0", "root", "handle", "1:", "htb", "default", "10");
  await lab.host.run("tc", "qdisc", "add", "dev", "d0", "clsact");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  // Told by a plan, with the verdict, in the status, and when it is home without them.
  const plan = await lab.plan({ id: "c1", status: "creating", pid: container.pid });
  expect(plan.stdout).toMatch(/warning: not-as-wanted: d0 will come home without its qdisc htb 1:/);
  expect(plan.stdout).toMatch(/warning: not-as-wanted: d0 will come home without its ingress qdisc clsact/);
  const attached = await lab.attach("c1", container);
  const { containers } = await lab.daemon.status();
  expect(containers[0]?.warnings).toEqual([...attached.warnings]);
  const returned = await lab.event({ id: "c1", status: "stopped" });
  for (const { warnings } of [attached, returned]) {
    expect(warnings.map(({ code }) => code)).toEqual(["not-as-wanted", "not-as-wanted"]);
    expect(warnings[0]?.message).toContain("qdisc htb 1:");
    expect(warnings[1]?.message).toContain("clsact");
  }
  expect(returned.outcome).toBe("returned");
});

test("static multicast addresses are told by plan, verdict and status, and when it is home without them", async () => {
  await using lab = await Lab.create();
  const many = Array.from({ length: 200 }, (_, at) => `x${at}`);
  await lab.host.ip(
    // Before it in a list that is longer than one read(2) gives.
    ...many.map((name) => `link add ${name} up type veth peer name ${name}-far`),
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
  );
  // Of several in one batch ip(8) adds the first alone.
  await lab.host.ip("maddr add 33:33:00:00:77:77 dev d0");
  await lab.host.ip("maddr add 01:00:5e:00:00:01 dev d0");
  await lab.host.ip("maddr add 33:33:00:00:88:88 dev x1");
  const list = async (netns: Namespace) =>
    (await netns.run("ip", "maddr", "show", "dev", "d0")).match(/link .*static/g)?.toSorted() ?? [];
  expect(await list(lab.host)).toHaveLength(2);
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const addresses = ["01:00:5e:00:00:01", "33:33:00:00:77:77"];
  const plan = await lab.plan({ id: "c1", status: "creating", pid: container.pid });
  for (const address of addresses)
    expect(plan.stdout).toContain(`d0 will come home without its static multicast address ${address}: `);
  const attached = await lab.attach("c1", container);
  expect(attached.warnings).toHaveLength(addresses.length);
  const { containers } = await lab.daemon.status();
  expect(containers[0]?.warnings).toEqual([...attached.warnings]);
  await container.netns.ip("maddr add 33:33:00:00:99:99 dev eth1");
  const returned = await lab.event({ id: "c1", status: "stopped" });
  expect(returned.outcome).toBe("returned");
  expect(returned.warnings.map(({ code, message }) => `${code}: ${message}`).toSorted()).toEqual(
    addresses.map((address) =>
      expect.stringContaining(
        `not-as-wanted: d0 is home, and its static multicast address ${address} is not there: `,
      ),
    ),
  );
  expect(await list(lab.host)).toEqual([]);
});
