import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { build } from "../../packaging/build.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { metric, parseExposition } from "../helpers/exposition.ts";
import { Lab } from "../helpers/lab.ts";
import { mappingFor } from "../helpers/mapping.ts";

// One executable that needs nothing installed and reads nothing of the folder or the environment that it is
// started in: each of those is a way to have a daemon of root run other code.

let folder: string;
let executable: string;
/** What a file that Bun is made to run leaves behind. */
let mark: string;
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-built-"));
  executable = join(folder, "bin", "netdevd");
  mark = join(folder, "mark");
  script = join(folder, "script.ts");
  writeFileSync(script, `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`);
  await build({
    architecture: process.arch === "arm64" ? "arm64" : "x64",
    out: executable,
    commit: "0123456789ab",
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line with `variables` and nothing else in the environment. */
function run(
  command: readonly string[],
  variables: Record<string, string> = {},
  cwd = "/",
): { exitCode: number; stdout: string; stderr: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env: variables, cwd, stdin: "ignore" });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const version = () => ({
  exitCode: 0,
  stdout: `netdevd ${manifest.version} (commit 0123456789ab), Bun ${Bun.version}, Linux ${release()} ${process.arch}\n`,
  stderr: "",
});

describe("the executable", () => {
  test("tells its version, its commit, Bun's version and the kernel's", () => {
    expect(run([executable, "--version"])).toEqual(version());
  });

  test("is the same whoever builds it: no path of the machine is in it", () => {
    expect(readFileSync(executable).includes(join(import.meta.dir, "../.."))).toBe(false);
  });

  test("is the same each time, byte for byte, under whatever name", async () => {
    const other = join(folder, "another-name");
    const script = `
      import { build } from ${JSON.stringify(join(import.meta.dir, "../../packaging/build.ts"))};
      await build({ architecture: process.arch, out: ${JSON.stringify(other)}, commit: "0123456789ab" });`;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    expect(exitCode, stderr.toString()).toBe(0);
    expect(readFileSync(other).equals(readFileSync(executable))).toBe(true);
  }, 60_000);

  test("opens nothing in the folder that it is started in", () => {
    const cwd = join(folder, "cwd");
    mkdirSync(cwd);
    const files = {
      ".env": "BUN_OPTIONS=--preload=./script.ts\n",
      ".env.local": "BUN_BE_BUN=1\n",
      "bunfig.toml": 'preload = ["./script.ts"]\n',
      "tsconfig.json": '{"compilerOptions":{"paths":{"*":["./script.ts"]}}}',
      "package.json": '{"name":"netdevd","version":"6.6.6","imports":{"#a":"./script.ts"}}',
      "script.ts": readFileSync(script, "utf8"),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    const trace = join(folder, "trace");
    const strace = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,execve", "-o", trace, executable];
    writeFileSync(join(folder, "netdevd.toml"), "");
    const checked = run(
      [...strace, "check", "--config", join(folder, "netdevd.toml")],
      { PATH: "/usr/bin:/bin" },
      cwd,
    );
    expect(checked).toEqual({ exitCode: 0, stdout: "ok: 0 mappings\n", stderr: "" });
    const opened = Array.from(
      readFileSync(trace, "utf8").matchAll(/open\w*\((?:AT_FDCWD, )?"(.*?)"/g),
      ([, path = ""]) => path,
    );
    expect(opened).toContain(join(folder, "netdevd.toml"));
    expect(opened.filter((path) => !path.startsWith("/") || path.startsWith(`${cwd}/`))).toEqual([]);
    expect(existsSync(mark)).toBe(false);
  });

  test.each([
    ["BUN_OPTIONS", "--preload=SCRIPT"],
    ["BUN_BE_BUN", "1"],
    ["BUN_INSPECT_PRELOAD", "SCRIPT"],
    ["BUN_JSC_dumpOptions", "2"],
    ["BUN_JSC_functionOverrides", "SCRIPT"],
  ])("pays no heed to %s", (name, value) => {
    // First, in between and last: none is overlooked, and none hides another.
    for (const around of [{ A: "1" }, { BUN_OPTIONS: "", BUN_: "", B: "" }]) {
      expect(
        run([executable, "--version"], { ...around, [name]: value.replace("SCRIPT", script), Z: "1" }),
      ).toEqual(version());
    }
    expect(existsSync(mark)).toBe(false);
  });

  test("where Bun alone would: what these variables do is not made up", () => {
    expect(run([process.execPath, "-e", "0"], { BUN_JSC_dumpOptions: "2" }).stderr).not.toBe("");
    run([process.execPath, "-e", "0"], { BUN_OPTIONS: `--preload=${script}` });
    expect(existsSync(mark)).toBe(true);
    rmSync(mark);
  });

  test("is a usage error like any other where an option of Bun's is given", () => {
    expect(run([executable, `--preload=${script}`, "check"]).exitCode).toBe(2);
    expect(existsSync(mark)).toBe(false);
  });
});

test("its daemon moves a device in and brings it home: FFI, the kernel thread and SQLite work in it", async () => {
  process.env.NETDEVD = executable;
  using _ = { [Symbol.dispose]: () => delete process.env.NETDEVD };
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.devices();
  await lab.start(mappingFor("c*", 'match = { name = "d0" }\nname = "eth1"'));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "attached",
    devices: [{ name: "eth1" }],
  });
  expect(await lab.netdevd("status")).toMatchObject({ code: 0 });
  for (const path of ["/", "/openapi.json"]) expect((await lab.daemon.get(path)).status).toBe(200);
  const families = parseExposition(await (await lab.daemon.get("/metrics")).text());
  const labels = { version: manifest.version, commit: "0123456789ab", bun: Bun.version };
  expect(metric(families, "netdevd_build_info", labels)).toBe(1);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
}, 30_000);

test("another architecture's has the same guard, and runs", async () => {
  if (process.arch !== "x64") return;
  const other = join(folder, "netdevd-arm64");
  await build({ architecture: "arm64", out: other, commit: null });
  const emulated = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", other];
  for (const variables of [{ A: "1" }, { BUN_BE_BUN: "1", BUN_OPTIONS: `--preload=${script}` }]) {
    const { exitCode, stdout, stderr } = run([...emulated, "--version"], {
      PATH: "/usr/bin:/bin",
      ...variables,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toBe(`netdevd ${manifest.version}, Bun ${Bun.version}, Linux ${release()} arm64\n`);
  }
  expect(existsSync(mark)).toBe(false);
}, 120_000);
