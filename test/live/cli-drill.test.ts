import { expect } from "bun:test";
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readJournal } from "../../src/engine/journal.ts";
import { mustRun } from "../helpers/command.ts";
import { furnish, type Kind, makeDevice } from "../helpers/devices.ts";
import { type Drill, lastedOut, startDrill, startDrillBehind } from "../helpers/drill.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { childrenOf, isDying, isStopped } from "../helpers/proc.ts";
import { netdevd } from "../helpers/program.ts";
import { until } from "../helpers/until.ts";

// "`netdevd drill DEVICE`: takes one device into a throwaway namespace and home again, with a watchdog in a process of
// its own, and prints what came back, what did not, how long the link was gone: 0 all came back, 1, 2."

const REST = [
  "route add 10.1.0.0/16 via 192.0.2.254 dev d0 metric 5",
  "route add 10.2.0.0/16 via 192.0.2.254 dev d0 table 77",
  "route add 2001:db8:9::/48 via 2001:db8:1::fe dev d0",
  "neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev d0 nud permanent",
  "neigh add 2001:db8:1::7 lladdr 02:00:00:00:00:07 dev d0 nud permanent",
];

async function labWith(kind: Kind, ...more: readonly string[]): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice(kind, "d0"), ...furnish("d0"), ...more);
  await lab.host.run("sysctl", "--write", "--quiet", "net.ipv4.conf.d0.arp_ignore=1");
  lab.configure("");
  return lab;
}

async function routesOf(lab: Lab): Promise<unknown> {
  return [await lab.host.json("-4 route show table all"), await lab.host.json("-6 route show table all")];
}

/** Nothing of a drill is left: no folder, no namespace, and no process that the end of the lab would not find. */
function nothingLeft(lab: Lab): void {
  expect(readdirSync(lab.state).filter((name) => name !== "drill.log" && name !== "lock")).toEqual([]);
}

for (const kind of ["veth", "tap", "macvlan"] as const) {
  test(`a ${kind} comes home with all that it had, each thing told, and nothing is left of the drill`, async () => {
    await using lab = await labWith(kind, ...REST);
    const before = { devices: await lab.host.devices(), routes: await routesOf(lab) };
    const { code, stdout, stderr } = await lab.netdevd("drill", "d0");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await lab.host.devices()).toEqual(before.devices);
    expect(await lab.host.run("cat", "/proc/sys/net/ipv4/conf/d0/arp_ignore")).toBe("1\n");
    const [first, second] = stdout.split("\n");
    expect(first).toMatch(/^d0 \(\d+\) goes to a namespace that has nothing in it, and comes home$/);
    expect(second).toStartWith("  meanwhile the host is without d0, 192.0.2.1/24, ");
    for (const thing of [
      "name d0",
      `number ${before.devices.d0?.ifindex}`,
      "altnames d0-second d0-with-a-long-name",
      "alias what d0 is for",
      `mac ${before.devices.d0?.mac}`,
      "mtu 1400",
      "txqueuelen 77",
      "up",
      "address 192.0.2.1/24",
      "address 2001:db8:2::1/64",
      "route 10.2.0.0/16 via 192.0.2.254 table 77",
      "neighbour 192.0.2.7 02:00:00:00:00:07",
    ]) {
      expect(stdout).toContain(`\n  back  ${thing}`);
    }
    expect(stdout).toMatch(/\n {2}back {2}sysctls: \d+ of them\n/);
    expect(stdout).not.toContain("LOST");
    expect(stdout).toMatch(/\ngone from the host for [\d.]+ ms, .*all put back [\d.]+ ms after it left\n/);
    expect(stdout).toEndWith("d0 is home with all that it had\n");
    if (kind === "veth")
      expect(stdout).toMatch(/\n {2}back {2}carrier up\n(.*\n)*.*, without carrier for [\d.]+ ms,/);
    nothingLeft(lab);
  });
}

test("an altname will do, and a port of a bridge is home as the port that it was", async () => {
  await using lab = await labWith(
    "veth",
    "link add br0 type bridge",
    "link set br0 up",
    "link set d0 master br0",
    "link set d0 type bridge_slave hairpin on cost 7",
  );
  const before = await lab.host.devices();
  const { code, stdout } = await lab.netdevd("drill", "d0-second");
  expect(code).toBe(0);
  expect(await lab.host.devices()).toEqual(before);
  expect(stdout).toContain("\n  meanwhile br0 has one port less\n");
  expect(stdout).toMatch(/\n {2}back {2}master \d+ \(bridge\)\n/);
});

test("a name that looks like an option will do behind --", async () => {
  await using lab = await Lab.create();
  await lab.host.run("ip", "link", "add", "name", "-x", "type", "ifb");
  lab.configure("");
  const { code, stdout } = await lab.onHost(...netdevd("drill", "--config", lab.config, "--", "-x"));
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("\n-x is home with all"),
  });
});

test("what cannot come back is told before and after, and the exit code is 1", async () => {
  await using lab = await labWith("veth");
  await lab.host.run("tc", "qdisc", "add", "dev", "d0", "root", "handle", "1:", "htb");
  await lab.host.run(
    "tc",
    "class",
    "add",
    "dev",
    "d0",
    "parent",
    "1:",
    "classid",
    "1:1",
    "htb",
    "rate",
    "1mbit",
  );
  const { code, stdout } = await lab.netdevd("drill", "d0");
  expect(code).toBe(1);
  const [told = "", came = ""] = stdout.split("  back  name d0\n");
  expect(told).toContain("  warning: d0 will come home without its qdisc htb 1:");
  expect(came).toMatch(/\n {2}LOST {2}qdisc htb 1: is not there: /);
  expect(came).toMatch(/\nd0 is home, and 1 of \d+ things did not come back\n$/);
});

test("--json tells the same to a program", async () => {
  await using lab = await labWith("veth");
  const { code, stdout, stderr } = await lab.netdevd("drill", "d0", "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ device: "d0", error: null, warnings: [] });
  expect(report.losses[0]).toStartWith("the host is without d0");
  expect(report.things).toContainEqual({ thing: "mtu 1400", fate: "back", told: null });
  for (const time of ["gone", "withoutCarrier", "whole"]) expect(report.times[time]).toBePositive();
});

test("a device that a container holds is refused with what brings it home, and stays where it is", async () => {
  await using lab = await labWith("veth");
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const { code, stdout, stderr } = await lab.netdevd("drill", "d0");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(
    "d0 is held for container c1 under mapping for-c1: `netdevd release c1` brings it home",
  );
  expect(await container.netns.names()).toContain("eth1");
});

test("a drill goes on beside a daemon, which has its device back when it is over", async () => {
  await using lab = await labWith("veth");
  await lab.start(D0_AS_ETH1);
  expect(await lab.netdevd("drill", "d0")).toMatchObject({ code: 0 });
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
});

const refused: [string, string[], string][] = [
  [
    "a device that is not there, with the nearest name",
    ["d9"],
    'there is no device "d9" on this host; the nearest of',
  ],
  ["lo", ["lo", "--force"], "lo is not taken away: it is the loopback device"],
  ["what carries the default route", ["d0"], "it carries a default route (`--force` takes it all the same)"],
  ["what others are built on", ["d0-far"], "(`--force` takes it all the same)"],
  ["a bridge", ["br0", "--force"], "br0 is not taken away: it is a bridge"],
];

for (const [what, args, told] of refused) {
  test(`refused, and nothing is touched: ${what}`, async () => {
    await using lab = await labWith(
      "veth",
      "route add default via 192.0.2.254 dev d0",
      "link add br0 type bridge",
      "link add m0 link d0-far type macvlan",
    );
    const before = await lab.host.devices();
    const { code, stdout, stderr } = await lab.netdevd("drill", ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(told);
    expect(await lab.host.devices()).toEqual(before);
    nothingLeft(lab);
  });
}

test("--force takes what carries the default route, says before what that means, and the route is back", async () => {
  await using lab = await labWith("veth", "route add default via 192.0.2.254 dev d0");
  const { code, stdout } = await lab.netdevd("drill", "d0", "--force");
  expect(code).toBe(0);
  expect(stdout).toContain("\n  meanwhile the host loses a default route: d0 carries a default route\n");
  expect(stdout).toContain("\n  back  route default via 192.0.2.254");
  expect(await lab.host.run("ip", "route", "show", "default")).toContain("via 192.0.2.254 dev d0");
});

test("without the means to keep the device safe, it is not touched", async () => {
  await using lab = await labWith("veth");
  const before = await lab.host.devices();
  const argv = startDrill.commandLine(lab, "d0");
  const { code, stderr } = await lab.onHost("setpriv", "--bounding-set=-sys_admin", ...argv);
  expect(code).toBe(1);
  expect(stderr).toContain("the watchdog did not say that it is ready: nothing was touched");
  expect(await lab.host.devices()).toEqual(before);
  nothingLeft(lab);
});

/** A lab in whose drill the device is away, for a minute if nobody does anything about it. */
async function away(): Promise<AsyncDisposable & { lab: Lab; drill: Drill; before: unknown }> {
  const lab = await labWith("veth", ...REST);
  const before = await lab.host.devices();
  const drill = startDrill(lab, "d0", "--stay", "60s");
  const journal = join(lab.state, `drill-${drill.pid}`);
  await until("the device to be away", () => readJournal(journal).some(({ state }) => state === "attached"), {
    detail: drill.told,
  });
  return {
    lab,
    drill,
    before,
    async [Symbol.asyncDispose]() {
      drill.kill("SIGKILL");
      await lastedOut(drill);
      await lab[Symbol.asyncDispose]();
    },
  };
}

async function isHome(lab: Lab, before: unknown): Promise<void> {
  await until("the device to be home", async () => (await lab.host.names()).includes("d0"));
  await until("all of it to be back", async () => Bun.deepEquals(await lab.host.devices(), before), {
    detail: async () => JSON.stringify(await lab.host.devices()),
  });
}

const logOf = (lab: Lab) => readFileSync(join(lab.state, "drill.log"), "utf8");

test("kill -9 of the drill while the device is away: the watchdog brings it home, and tells in drill.log", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  const { watchdog } = drill;
  expect(sessionOf(watchdog())).toBe(watchdog());
  drill.kill("SIGKILL");
  await isHome(lab, before);
  await lastedOut(drill);
  nothingLeft(lab);
  expect(logOf(lab)).toContain(
    "the drill of d0 ended before it was done: the watchdog brings home what is away",
  );
  expect(logOf(lab)).toContain("d0 is home, and nothing of the drill is left");
});

test("the end of the terminal: the drill comes home by itself, and at once", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  drill.kill("SIGHUP");
  expect(await drill.exited).toBe(0);
  await isHome(lab, before);
  nothingLeft(lab);
  expect(drill.told()).toEndWith("d0 is home with all that it had\n");
});

test("a terminal that takes nothing any more holds up nobody: the watchdog brings the device home first", async () => {
  await using lab = await labWith("veth", ...REST);
  const before = await lab.host.devices();
  const fifo = join(lab.folder, "terminal");
  await mustRun(["mkfifo", fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    expect(() => {
      for (;;) writeSync(fd, "x".repeat(4096));
    }).toThrow("EAGAIN");
    const full = ["sh", "-c", `exec "$@" 2>${fifo}`, "sh"];
    const drill = startDrillBehind(full, lab, "d0", "--stay", "60s");
    await until("the device to be away", async () => !(await lab.host.names()).includes("d0"));
    drill.kill("SIGKILL");
    await isHome(lab, before);
    await until("the folder to be gone", () => readdirSync(lab.state).every((name) => name === "drill.log"));
    // It would tell it yet.
    for (const pid of drill.seen) process.kill(pid, "SIGKILL");
    await lastedOut(drill);
  } finally {
    closeSync(fd);
  }
});

test("signals to the watchdog alone do not end it", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.kill(drill.watchdog(), signal);
  await Bun.sleep(50);
  drill.kill("SIGKILL");
  await isHome(lab, before);
});

test("the watchdog is killed: the drill brings the device home all the same", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  process.kill(drill.watchdog(), "SIGKILL");
  await Bun.sleep(50);
  drill.kill("SIGTERM");
  expect(await drill.exited).toBe(0);
  await isHome(lab, before);
  nothingLeft(lab);
  expect(drill.told()).toContain("\nhow long it was gone nobody has heard\n");
});

test("a drill that hangs is killed by the watchdog when its time is over, and the device is home", async () => {
  await using lab = await labWith("veth", ...REST);
  const before = await lab.host.devices();
  const drill = startDrill(lab, "d0", "--stay", "2s", "--timeout", "0s");
  await until("the device to be away", async () => !(await lab.host.names()).includes("d0"));
  drill.kill("SIGSTOP");
  await drill.exited;
  expect(drill.signalCode()).toBe("SIGKILL");
  await isHome(lab, before);
  await lastedOut(drill);
  nothingLeft(lab);
  expect(logOf(lab)).toContain("the drill of d0 did not say in 2 s that it is home, and is killed");
});

test("drill and watchdog are both killed: the device is kept, it is told, and release --all brings it home", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  process.kill(drill.watchdog(), "SIGKILL");
  drill.kill("SIGKILL");
  await drill.exited;
  await lastedOut(drill);
  const doctor = await lab.netdevd("doctor");
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(
    /\nfail {2}drills: one was left in .*, away: d0; mend: `netdevd release --all`/,
  );
  const again = await lab.netdevd("drill", "d0");
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("d0 is away in a drill, on record in ");
  const daemon = await lab.start("");
  expect(daemon.log()).toContain("a drill was left in ");
  expect(await lab.netdevd("release", "--all")).toMatchObject({
    code: 0,
    stdout: "d0 is home\nnothing else is held\n",
  });
  await isHome(lab, before);
  expect(readdirSync(lab.state).filter((name) => name.startsWith("drill-"))).toEqual([]);
  expect(await lab.netdevd("drill", "d0")).toMatchObject({ code: 0 });
});

test("release --all leaves a drill that is under way alone", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  const { code, stderr } = await lab.netdevd("release", "--all");
  expect(code).toBe(0);
  expect(stderr).toContain("a drill is under way in ");
  expect(await lab.host.names()).not.toContain("d0");
  drill.kill("SIGINT");
  expect(await drill.exited).toBe(0);
  await isHome(lab, before);
});

test("a device that ends while it is away is told to be gone, and nothing is left", async () => {
  await using all = await away();
  const { lab, drill } = all;
  await lab.host.ip("link del d0-far");
  drill.kill("SIGINT");
  expect(await drill.exited).toBe(1);
  expect(drill.told()).toMatch(/\nd0: d0 .*no more.*\n$/);
  nothingLeft(lab);
});

test("a name that somebody else has taken meanwhile is had again as soon as it is free", async () => {
  await using all = await away();
  const { lab, drill, before } = all;
  await lab.host.ip("link add d0 type ifb");
  drill.kill("SIGINT");
  expect(await drill.exited).toBe(1);
  expect(drill.told()).toContain("d0 is home as netdevd0 until its own name is free");
  expect(drill.told()).toEndWith(`; the watchdog (pid ${drill.watchdog()}) goes on trying\n`);
  expect(await lab.host.names()).toContain("netdevd0");
  await lab.host.ip("link del d0");
  await isHome(lab, before);
  await lastedOut(drill);
  nothingLeft(lab);
});

test("killed at whatever moment, the drill has its device home, and nothing is left", async () => {
  await using lab = await labWith("veth", ...REST);
  const before = await lab.host.devices();
  for (let at = 0; at < 16; at++) {
    const drill = startDrill(lab, "d0");
    await Bun.sleep(120 + at * 20);
    drill.kill("SIGKILL");
    await drill.exited;
    await lastedOut(drill);
    await isHome(lab, before);
    nothingLeft(lab);
  }
}, 60_000);

test("killed with its watchdog at whatever moment, release --all brings home what is away", async () => {
  await using lab = await labWith("veth", ...REST);
  const before = await lab.host.devices();
  for (let at = 0; at < 12; at++) {
    const drill = startDrill(lab, "d0");
    await Bun.sleep(160 + at * 25);
    // Once it stands still it reaps nobody, and starts nobody: its children are what it says.
    drill.kill("SIGSTOP");
    await until("the drill to stand still", () => isStopped(drill.pid) || isDying(drill.pid));
    for (const pid of childrenOf(drill.pid)) process.kill(pid, "SIGKILL");
    drill.kill("SIGKILL");
    await drill.exited;
    await lastedOut(drill);
    expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
    expect(await lab.host.devices()).toEqual(before);
    expect(readdirSync(lab.state).filter((name) => name.startsWith("drill-"))).toEqual([]);
  }
}, 60_000);

/** Field 6 of proc_pid_stat(5). */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
