import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../helpers/command.ts";
import { netnsOf } from "../helpers/proc.ts";
import { until } from "../helpers/until.ts";

setDefaultTimeout(30_000);

const DEMO = [process.execPath, join(import.meta.dir, "../demo/demo.ts")];
const CLOSING = /That was all, in .* nothing of the demo is left behind\.\n$/;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-live-demo-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A demo under way. */
interface Demo {
  readonly pid: number;
  /** The first group of `pattern`, once the demo has printed a line with it. */
  line(pattern: RegExp): Promise<string>;
  /** Its end: all that it printed, and what it left behind. */
  ended(): Promise<{ code: number; stdout: string; stderr: string; left: string[] }>;
}

async function startDemo(wrapper: readonly string[] = [], env: Record<string, string> = {}): Promise<Demo> {
  const scratch = mkdtempSync(join(folder, "tmp-"));
  const child = Bun.spawn([...wrapper, ...DEMO], {
    cwd: "/",
    env: { ...process.env, TMPDIR: scratch, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A process group of its own, as a shell gives it: Ctrl-C is for all of the group.
    detached: true,
  });
  let stdout = "";
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) stdout += decoder.decode(chunk, { stream: true });
  })();
  const stderr = child.stderr.text();
  return {
    pid: child.pid,
    line: (pattern) =>
      until(`a line with ${pattern}`, () => pattern.exec(stdout)?.[1], { detail: () => stdout }),
    ended: async () => {
      const [code] = await Promise.all([child.exited, read]);
      const pids = Array.from(stdout.matchAll(/\bpid (\d+)/g), ([, pid]) => Number(pid));
      const alive = pids.filter((pid) => netnsOf(pid) !== null).map((pid) => `process ${pid}`);
      return { code, stdout, stderr: await stderr, left: [...alive, ...readdirSync(scratch)] };
    },
  };
}

test("tells of a device that went in, was used, and came home with all it had", async () => {
  const demo = await startDemo();
  const { code, stdout, stderr, left } = await demo.ended();
  expect({ code, stderr, left }).toEqual({ code: 0, stderr: "", left: [] });
  expect(stdout).toContain('"outcome":"attached"');
  expect(stdout).toContain("192.0.2.254 answered 3 of 3 pings");
  expect(stdout).toContain("2001:db8::254 answered 3 of 3 pings");
  expect(stdout).toMatch(/nic0 is home \d+ ms later/);
  expect(stdout).toMatch(CLOSING);
});

test.each([
  ["before the event", /(netdevd run: pid)/],
  ["while the device is inside", /(4\. The device is inside)/],
  ["when the container ends", /(5\. The container is killed)/],
])("fails where the daemon is killed %s, and leaves nothing behind", async (_, moment) => {
  const demo = await startDemo();
  const daemon = await demo.line(/netdevd run: pid (\d+)/);
  await demo.line(moment);
  process.kill(Number(daemon), "SIGKILL");
  const { code, stdout, stderr, left } = await demo.ended();
  expect({ code, left }).toEqual({ code: 1, left: [] });
  expect(stderr).toContain("The demo FAILED: the daemon is gone: it ended by SIGKILL");
  expect(stdout).not.toMatch(CLOSING);
});

test("fails where the device does not come home as it was", async () => {
  const demo = await startDemo();
  const host = await demo.line(/The host is that of pid (\d+)/);
  await demo.line(/(The host has no nic0)/);
  // Somebody else's device has its name meanwhile.
  await mustRun(["nsenter", `--net=/proc/${host}/ns/net`, "ip", "link", "add", "nic0", "type", "ifb"]);
  const { code, stderr, left } = await demo.ended();
  expect({ code, left }).toEqual({ code: 1, left: [] });
  expect(stderr).toContain("The demo FAILED: nic0 is not what it was");
});

test.each(["SIGINT", "SIGTERM"] as const)("cleans up after %s", async (signal) => {
  const demo = await startDemo();
  await demo.line(/(4\. The device is inside)/);
  process.kill(-demo.pid, signal);
  const { code, stderr, left } = await demo.ended();
  expect({ code, left }).toEqual({ code: 1, left: [] });
  expect(stderr).toContain(`The demo FAILED: it was interrupted by ${signal}`);
});

test("says what is missing where it is not run by root", async () => {
  const { code, stderr } = await (await startDemo(["unshare", "--user", "--map-user=65534"])).ended();
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("run it as root") });
});

test("says what is missing where ip is not installed", async () => {
  const { code, stderr } = await (await startDemo([], { PATH: folder })).ended();
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("ip is missing: install iproute2"),
  });
});
