import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DEFAULT_CONFIG } from "../../src/config/config.ts";

const systemd = join(import.meta.dir, "../../systemd");
const unit = readFileSync(join(systemd, "netdevd.service"), "utf8");
const PROGRAM = "/usr/bin/netdevd";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-systemd-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs one of systemd's own tools; one that is missing is a failure that names the package. */
function run(tool: string, ...args: readonly string[]): { exitCode: number; output: string } {
  const path = Bun.which(tool);
  if (path === null) throw new Error(`${tool} is not installed: this test needs the package "systemd"`);
  const { exitCode, stdout, stderr } = Bun.spawnSync([path, ...args], {
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  return { exitCode, output: stdout.toString() + stderr.toString() };
}

/** The values of every `key=` line; comments are none. */
function settings(key: string): string[] {
  return unit.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

/** Writes the unit where systemd-analyze can look at it, with a program in it that this machine has. */
function installable(text: string): string {
  const path = join(folder, "netdevd.service");
  writeFileSync(path, text.replaceAll(PROGRAM, process.execPath));
  return path;
}

/** What `systemd-analyze security` has to say of the unit, with drop-ins: 0 is confined, 10 is not. */
function exposure(...dropIns: readonly string[]): number {
  const path = installable(unit);
  rmSync(`${path}.d`, { recursive: true, force: true });
  mkdirSync(`${path}.d`);
  for (const name of dropIns) cpSync(join(systemd, "netdevd.service.d", name), join(`${path}.d`, name));
  return exposureOf(path);
}

function exposureOf(path: string): number {
  const { output } = run("systemd-analyze", "security", "--offline=true", "--no-pager", path);
  const [, level] = /Overall exposure level for \S+: ([\d.]+)/.exec(output) ?? [];
  if (level === undefined) throw new Error(output);
  return Number(level);
}

describe("netdevd.service", () => {
  test("starts the daemon and nothing else", () => {
    expect(settings("ExecStart")).toEqual([`${PROGRAM} run`]);
  });

  test("is found faultless by systemd-analyze verify, with each drop-in too", () => {
    const path = installable(unit);
    expect(run("systemd-analyze", "verify", path)).toEqual({ exitCode: 0, output: "" });
    for (const name of ["no-tcp.conf", "rootless.conf"]) {
      exposure(name);
      expect(run("systemd-analyze", "verify", path)).toEqual({ exitCode: 0, output: "" });
    }
  });

  test("would not be found so with a setting that systemd does not know", () => {
    const broken = unit.replace("[Service]", "[Service]\nRestartSecs=1s");
    expect(run("systemd-analyze", "verify", installable(broken)).output).toContain("RestartSecs");
  });

  test.each([
    // bun:ffi compiles its calls at run time.
    "MemoryDenyWriteExecute",
    // Home is the namespace that the daemon is started in.
    "PrivateNetwork",
    "PrivateUsers",
    // /proc/sys, with the sysctls of devices, would be gone.
    "ProcSubset",
    // Deleted at stop, with the journal in it.
    "RuntimeDirectory",
  ])("leaves %s= alone", (key) => expect(settings(key)).toEqual([]));

  test("has no more than three capabilities, and none that it could take", () => {
    expect(settings("CapabilityBoundingSet")).toEqual(["CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE"]);
    expect(settings("AmbientCapabilities")).toEqual([]);
  });

  test("is more confined than systemd's own network daemon", () => {
    const shipped = exposure();
    expect(shipped).toBeLessThanOrEqual(2.5);
    const networkd = ["/usr/lib/systemd/system", "/lib/systemd/system"]
      .map((path) => join(path, "systemd-networkd.service"))
      .find((path) => existsSync(path));
    expect(networkd).toBeDefined();
    expect(shipped).toBeLessThan(exposureOf(networkd ?? ""));
  });

  test("is more so where it gives up TCP", () => {
    expect(exposure("no-tcp.conf")).toBeLessThanOrEqual(2.2);
  });

  test("README's table tells these numbers", () => {
    const readme = readFileSync(join(systemd, "../README.md"), "utf8");
    expect(readme).toContain(`| netdevd | ${exposure().toFixed(1)} |`);
    expect(readme).toContain(`| netdevd with \`no-tcp.conf\` | ${exposure("no-tcp.conf").toFixed(1)} |`);
  });
});

describe("netdevd.tmpfiles.conf", () => {
  test("makes the folders of the default config, with their modes", () => {
    const root = join(folder, "root");
    mkdirSync(join(root, "etc"), { recursive: true });
    const users = run("systemd-sysusers", `--root=${root}`, join(systemd, "netdevd.sysusers.conf"));
    expect(users.exitCode, users.output).toBe(0);
    const group = readFileSync(join(root, "etc/group"), "utf8");
    const netdevd = Number(/^netdevd:[^:]*:(\d+):/m.exec(group)?.[1]);
    const file = join(systemd, "netdevd.tmpfiles.conf");
    const made = run("systemd-tmpfiles", "--create", `--root=${root}`, file);
    expect(made).toEqual({ exitCode: 0, output: "" });
    const { spool, results, state } = DEFAULT_CONFIG.daemon;
    const folders = { [dirname(spool)]: "2755", [spool]: "700", [results]: "755", [state]: "700" };
    const found = Object.keys(folders).map((path) => {
      const { mode, uid, gid } = statSync(join(root, path));
      expect({ uid, gid }).toEqual({ uid: 0, gid: path === dirname(spool) ? netdevd : 0 });
      return [path, (mode & 0o7777).toString(8)];
    });
    expect(Object.fromEntries(found)).toEqual(folders);
  });
});
