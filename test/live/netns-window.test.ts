import { beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { test } from "../helpers/live-test.ts";
import { netnsOf, threadsOutside } from "../helpers/proc.ts";
import { type Process, startProcess } from "../helpers/process.ts";

const reportSchema = v.strictObject({
  strays: v.array(v.number()),
  isHome: v.boolean(),
  cookies: v.optional(v.array(v.string())),
  windows: v.optional(v.number()),
  errors: v.optional(v.array(v.string())),
  leaked: v.optional(v.number()),
});

beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error("these tests enter network namespaces: run them as root");
});

/** netns-window.child.ts at the end of one of its scenarios: what it tells, and what /proc tells of it. */
interface Child extends AsyncDisposable {
  readonly report: v.InferOutput<typeof reportSchema>;
  /** Threads outside its home, as seen from here. */
  readonly outside: readonly string[];
}

function spawn(
  scenario: string,
  target: Process,
  wrapper: readonly string[] = [],
  stderr: "inherit" | "ignore" = "inherit",
) {
  const script = `${import.meta.dir}/netns-window.child.ts`;
  return Bun.spawn([...wrapper, "unshare", "--net", process.execPath, script, scenario, target.netns.path], {
    cwd: "/",
    stdin: "pipe",
    stdout: "pipe",
    stderr,
  });
}

async function play(scenario: string, target: Process, wrapper?: readonly string[]): Promise<Child> {
  const child = spawn(scenario, target, wrapper);
  const line = await firstLine(child.stdout);
  const home = netnsOf(child.pid) ?? "none";
  return {
    report: v.parse(reportSchema, JSON.parse(line)),
    outside: threadsOutside(child.pid, home),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) return text;
  }
  throw new Error(`the child ended before it told anything: ${JSON.stringify(text)}`);
}

/** Netlink sockets of user space in the namespace of a process (/proc/PID/net/netlink; the kernel's port is 0). */
function netlinkSockets(pid: number): string[] {
  const [, ...rows] = readFileSync(`/proc/${pid}/net/netlink`, "utf8").trim().split("\n");
  return rows.filter((row) => row.trim().split(/\s+/)[2] !== "0");
}

const container = () => startProcess(["unshare", "--net"]);

test("a socket is of the namespace that it was asked for, as its cookie tells", async () => {
  await using target = await container();
  await using child = await play("cookies", target);
  const [home, first, second, homeAgain] = child.report.cookies ?? [];
  expect(first).toMatch(/^\d+$/);
  expect(second).toBe(first);
  expect(homeAgain).toBe(home);
  expect(first).not.toBe(home);
});

describe.each(["windows of the main thread", "windows of a Worker"])("20,000 %s", (scenario) => {
  test("leave no thread behind and nothing open, whatever goes on between them", async () => {
    await using target = await container();
    await using child = await play(scenario, target);
    expect(child.report).toMatchObject({ windows: 20_000, strays: [], isHome: true });
    expect(child.report.cookies).toHaveLength(1);
    expect(child.outside).toEqual([]);
    expect(netlinkSockets(target.pid)).toEqual([]);
  });
});

test("a thread that does stay in another namespace is found", async () => {
  await using target = await container();
  await using child = await play("a stray", target);
  expect(child.report.isHome).toBe(true);
  const [stray] = child.report.strays;
  expect(stray).toBePositive();
  expect(child.outside).toContainEqual(expect.stringContaining(`(${stray}) in ${netnsOf(target.pid)}`));
});

test("a target that is no network namespace is refused, and the thread is at home", async () => {
  await using target = await container();
  await using child = await play("wrong targets", target);
  expect(child.report).toEqual({
    strays: [],
    isHome: true,
    leaked: 0,
    errors: [
      "setns to the namespace of fd N: EINVAL: invalid argument",
      "setns to the namespace of fd N: EINVAL: invalid argument",
      "setns to the namespace of fd N: EBADF: bad file descriptor",
      "setns to the namespace of fd N: EBADF: bad file descriptor",
    ],
  });
});

test("a namespace that is made is one of its own, and the thread is at home", async () => {
  await using target = await container();
  await using child = await play("makes", target);
  expect(child.report).toMatchObject({ strays: [], isHome: true, leaked: 0 });
  expect(new Set(child.report.cookies).size).toBe(3);
  expect(child.outside).toEqual([]);
});

test("where no socket can be made, nor a namespace opened, that is the error, and the thread is at home", async () => {
  await using target = await container();
  await using child = await play("no fd left", target, ["prlimit", "--nofile=200:200"]);
  expect(child.report).toEqual({
    strays: [],
    isHome: true,
    errors: [
      "socket AF_NETLINK: EMFILE: too many open files",
      "open /proc/thread-self/ns/net: EMFILE: too many open files",
    ],
  });
});

test("a thread that cannot come home ends its process at once", async () => {
  await using target = await container();
  // Bun writes a crash report of its own to stderr.
  const child = spawn("no way home", target, ["prlimit", "--core=0"], "ignore");
  await child.exited;
  expect(child.signalCode).toBe("SIGABRT");
  expect(await child.stdout.text()).toBe("");
});
