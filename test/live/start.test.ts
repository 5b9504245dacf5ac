import { expect } from "bun:test";
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { netdevd } from "../helpers/program.ts";
import { until } from "../helpers/until.ts";

// "`netdevd run`: takes an exclusive lock in the state folder; 0 after SIGTERM/SIGINT; 2 bad config; 1 any other
// failure to start (a second daemon: names the first)."

const mode = (path: string) => statSync(path).mode & 0o777;

test("folders that are not there are made, for root alone but the results", async () => {
  await using lab = await Lab.create();
  for (const folder of [lab.spoolFolder, lab.results, lab.state]) rmSync(folder, { recursive: true });
  await lab.start(D0_AS_ETH1);
  expect({ spool: mode(lab.spoolFolder), results: mode(lab.results), state: mode(lab.state) }).toEqual({
    spool: 0o700,
    results: 0o755,
    state: 0o700,
  });
  expect((await lab.event({ id: "x", status: "stopped" })).outcome).toBe("unchanged");
});

test("the socket is for root alone where no group is named", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  expect(mode(lab.socket) & 0o077).toBe(0);
});

const unsafe: [title: string, spoil: (folder: string) => void][] = [
  ["that others may write to", (folder) => chmodSync(folder, 0o777)],
  ["that a group may write to", (folder) => chmodSync(folder, 0o770)],
  ["of another owner", (folder) => chownSync(folder, 65534, 65534)],
  [
    "that is a symbolic link",
    (folder) => {
      rmSync(folder, { recursive: true });
      mkdirSync(`${folder}-elsewhere`, { mode: 0o700 });
      symlinkSync(`${folder}-elsewhere`, folder);
    },
  ],
  [
    "that is a file",
    (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
  ],
];

for (const [title, spoil] of unsafe) {
  test(`no start on a state folder ${title}: exit 1, and it is named`, async () => {
    await using lab = await Lab.create();
    lab.configure(D0_AS_ETH1);
    spoil(lab.state);
    const { code, stderr } = await lab.netdevd("run");
    expect(code).toBe(1);
    expect(stderr).toContain(lab.state);
  });

  test(`a spool folder ${title} is not read from, and readyz names it until it is mended`, async () => {
    await using lab = await Lab.create();
    const event = lab.drop({ id: "x", status: "stopped" });
    spoil(lab.spoolFolder);
    const daemon = await lab.start(D0_AS_ETH1, { ready: false });
    const answer = await daemon.get("/readyz");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain(lab.spoolFolder);
    expect((await daemon.status()).state).toBe("degraded");
    expect(lab.verdictNow(event)).toBeNull();

    rmSync(lab.spoolFolder, { recursive: true });
    // The daemon may have made it anew already.
    mkdirSync(lab.spoolFolder, { mode: 0o700, recursive: true });
    expect((await lab.event({ id: "x", status: "stopped" })).outcome).toBe("unchanged");
    await until("readyz to be 200", async () => (await daemon.get("/readyz")).status === 200);
  });
}

test("a second daemon on the same state exits 1 and names the first, which serves on", async () => {
  await using lab = await Lab.create();
  const first = await lab.start(D0_AS_ETH1);
  const { code, stderr } = await lab.netdevd("run");
  expect(code).toBe(1);
  expect(stderr).toContain(String(first.pid));

  // Also where nothing but the state is shared.
  const other = join(lab.folder, "other");
  const config = join(lab.folder, "other.toml");
  const folders = `spool = "${other}/spool"\nresults = "${other}/results"\nstate = "${lab.state}"`;
  mkdirSync(other);
  writeFileSync(config, `[daemon]\n${folders}\n[http]\nlisten = ["unix:${other}/sock"]\n${D0_AS_ETH1}`);
  const second = await lab.onHost(
    process.execPath,
    join(import.meta.dir, "../../src/main.ts"),
    "run",
    "--config",
    config,
  );
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(String(first.pid));

  expect((await first.get("/healthz")).status).toBe(200);
  expect((await lab.event({ id: "x", status: "stopped" })).outcome).toBe("unchanged");
});

test("a bad config exits 2 and says where it is wrong", async () => {
  await using lab = await Lab.create();
  lab.configure('[[mapping]]\nname = "m"\ncontainer = {}\n');
  const { code, stderr } = await lab.netdevd("run");
  expect(code).toBe(2);
  expect(stderr).toMatch(new RegExp(`${lab.config}:\\d+:\\d+: `));
});

test("a config file that is not there exits 2 and is named", async () => {
  await using lab = await Lab.create();
  const { code, stderr } = await lab.netdevd("run");
  expect(code).toBe(2);
  expect(stderr).toContain(lab.config);
});

test("an address that others can reach is not listened on: exit 2", async () => {
  await using lab = await Lab.create();
  for (const listen of ["0.0.0.0:9469", "192.0.2.1:9469", "[::]:9469"]) {
    lab.configure(D0_AS_ETH1, [listen]);
    const { code, stderr } = await lab.netdevd("run");
    expect(code).toBe(2);
    expect(stderr).toMatch(/http\.listen.*loopback/);
  }
});

test("logs go to stderr alone, a line each, and name container, device and mapping", async () => {
  await using lab = await Lab.create();
  await lab.host.ip("link add d0 type ifb");
  const daemon = await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  await lab.attach("c1", container);
  await container.kill();
  await daemon.empty();
  const told = daemon
    .log()
    .split("\n")
    .filter((line) => line.includes("d0"));
  expect(told.length).toBeGreaterThanOrEqual(2);
  expect(told.every((line) => line.includes("c1"))).toBe(true);
  expect(told.join("\n")).toContain("for-c1");
  expect(daemon.stdout()).toBe("");
});

const early: [title: string, signals: string, code: number][] = [
  ["SIGTERM", "kill -TERM $pid", 0],
  ["SIGINT", "kill -INT $pid", 0],
  ["SIGTERM, and once more while it stops", "kill -TERM $pid; sleep 0.02; kill -TERM $pid", 0],
  ["SIGHUP, and then SIGTERM", "kill -HUP $pid; sleep 0.02; kill -TERM $pid", 0],
];

for (const [title, signals, code] of early) {
  test(`as soon as its socket is there it hears ${title}`, async () => {
    await using lab = await Lab.create();
    lab.configure(D0_AS_ETH1);
    const start = netdevd("run", "--config", lab.config).map((word) => `'${word}'`);
    // A shell without job control starts what is in the background deaf to SIGINT (POSIX, 2.11), but for what sets a handler.
    const script = `${start.join(" ")} & pid=$!
      until [ -S '${lab.socket}' ]; do sleep 0.001; done
      ${signals}
      wait $pid; echo "code $?"`;
    const { stdout, stderr } = await lab.onHost("sh", "-c", script);
    expect({ stdout, stderr }).toEqual({ stdout: `code ${code}\n`, stderr: expect.anything() });
  });
}
