import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
  const { exitCode, stdout, stderr } = Bun.spawnSync([path, ...args]);
  return { exitCode, output: stdout.toString() + stderr.toString() };
}

/** The values of every `key=` line; comments are none. */
function settings(key: string): string[] {
  return unit.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

/** Writes the unit where systemd-analyze can look at it, with a program in it that this machine has. */
function installable(text: string): string {
  const path = join(folder, "netdevd.service");
  writeFileSync(path, text.replace(`ExecStart=${PROGRAM} `, `ExecStart=${process.execPath} `));
  return path;
}

describe("netdevd.service", () => {
  test("starts the daemon and nothing else", () => {
    expect(settings("ExecStart")).toEqual([`${PROGRAM} run`]);
  });

  test("is found faultless by systemd-analyze verify", () => {
    expect(run("systemd-analyze", "verify", installable(unit))).toEqual({ exitCode: 0, output: "" });
  });

  test("would not be found so with a setting that systemd does not know", () => {
    const broken = unit.replace("[Service]", "[Service]\nRestartSecs=1s");
    expect(run("systemd-analyze", "verify", installable(broken)).output).toContain("RestartSecs");
  });

  test.each([
    // bun:ffi compiles its calls at run time.
    "MemoryDenyWriteExecute",
    // Sysctls of devices are written through /proc/sys.
    "ProtectKernelTunables",
    "ProcSubset",
    // Home is the namespace that the daemon is started in.
    "PrivateNetwork",
    "PrivateUsers",
    // Deleted at stop, with the journal in it.
    "RuntimeDirectory",
    // A mount namespace of its own: pins made in it would be seen by nobody and end with the service, and
    // paths in events would not be those of the runtimes.
    "BindPaths",
    "InaccessiblePaths",
    "PrivateDevices",
    "PrivateMounts",
    "PrivateTmp",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectProc",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "TemporaryFileSystem",
  ])("leaves %s= alone", (key) => expect(settings(key)).toEqual([]));

  test("is confined all the same", () => {
    // 9.6 of 10 is a unit without any of it; what is left here is what the daemon does for a living.
    const { exitCode, output } = run(
      "systemd-analyze",
      "security",
      "--offline=true",
      "--threshold=55",
      installable(unit),
    );
    expect(exitCode, output).toBe(0);
  });
});

describe("netdevd.tmpfiles.conf", () => {
  test("makes the folders of the default config, with their modes", () => {
    const root = join(folder, "root");
    const file = join(systemd, "netdevd.tmpfiles.conf");
    const made = run("systemd-tmpfiles", "--create", `--root=${root}`, file);
    expect(made).toEqual({ exitCode: 0, output: "" });
    const { spool, results, state } = DEFAULT_CONFIG.daemon;
    const folders = { [dirname(spool)]: "755", [spool]: "700", [results]: "755", [state]: "700" };
    const found = Object.keys(folders).map((path) => {
      const { mode, uid, gid } = statSync(join(root, path));
      expect({ uid, gid }).toEqual({ uid: 0, gid: 0 });
      return [path, (mode & 0o7777).toString(8)];
    });
    expect(Object.fromEntries(found)).toEqual(folders);
  });
});
