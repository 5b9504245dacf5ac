import { afterEach, expect } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, openReadOnly } from "../../ffi/netns.ts";
import { pinsIn } from "../../src/engine/pins.ts";
import { test } from "../helpers/live-test.ts";
import { type Process, startProcess } from "../helpers/process.ts";

// Pins are mounts, and outlive whoever made them: a daemon finds what an earlier one has left under the same name.

const folders: string[] = [];
const opened: number[] = [];

/** A folder for pins that is not there yet. */
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "netdevd-pins-"));
  folders.push(made);
  return join(made, "state", "pins");
}

function fdOf({ netns }: Process): number {
  const fd = openReadOnly(netns.path);
  opened.push(fd);
  return fd;
}

/** What is mounted at or below a path, from the first mount to the last, and the number of each mount. */
function mountsBelow(path: string): { readonly id: string; readonly root: string }[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [id = "", , , root = "", at = ""] = line.split(" ");
    return at.startsWith(path) ? [{ id, root }] : [];
  });
}

function mountsAt(path: string): string[] {
  return mountsBelow(path).map(({ root }) => root);
}

afterEach(() => {
  for (const fd of opened.splice(0)) closeFd(fd);
  for (const made of folders.splice(0)) {
    const pins = pinsIn(join(made, "state", "pins"));
    for (const cookie of pins.list()) pins.unpin(cookie);
    rmSync(made, { recursive: true, force: true });
  }
});

const identityOf = async ({ netns }: Process) => (await netns.run("readlink", "/proc/self/ns/net")).trim();

test("a pin keeps a namespace under its cookie until it is let go", async () => {
  await using process = await startProcess(["unshare", "--net"]);
  const [at, identity] = [folder(), await identityOf(process)];
  const pins = pinsIn(at);
  expect({ list: pins.list(), has: pins.has("7") }).toEqual({ list: [], has: false });
  expect(pins.pin("7", fdOf(process))).toBeNull();
  expect({ list: pins.list(), has: pins.has("7") }).toEqual({ list: ["7"], has: true });
  expect(mountsAt(at)).toEqual([identity]);
  pins.unpin("7");
  pins.unpin("7");
  expect(mountsAt(at)).toEqual([]);
  expect(readdirSync(at)).toEqual([]);
});

test("an earlier daemon's pin is kept as it is: let go for a moment, it would hold nothing in that", async () => {
  await using process = await startProcess(["unshare", "--net"]);
  const [at, identity] = [folder(), await identityOf(process)];
  expect(pinsIn(at).pin("7", fdOf(process))).toBeNull();
  const first = mountsBelow(at);
  expect(first).toMatchObject([{ root: identity }]);
  const next = pinsIn(at);
  for (let start = 0; start < 3; start++) expect(next.pin("7", fdOf(process))).toBeNull();
  expect(mountsBelow(at)).toEqual(first);
  next.unpin("7");
  expect(mountsAt(at)).toEqual([]);
});

test("so is one of another namespace that is under the same name, and one of a file that nothing is mounted on", async () => {
  await using one = await startProcess(["unshare", "--net"]);
  await using other = await startProcess(["unshare", "--net"]);
  const at = folder();
  const pins = pinsIn(at);
  expect(pins.pin("7", fdOf(one))).toBeNull();
  expect(pins.pin("7", fdOf(other))).toBeNull();
  expect(mountsAt(at)).toEqual([await identityOf(other)]);
  // A daemon that was killed between making the file and mounting on it.
  writeFileSync(join(at, "8"), "");
  expect(pins.pin("8", fdOf(one))).toBeNull();
  expect(mountsAt(join(at, "8"))).toEqual([await identityOf(one)]);
});

test("the last reference to a namespace may be the pin that is replaced: it is the fd's by then", async () => {
  const process = await startProcess(["unshare", "--net"]);
  const at = folder();
  expect(pinsIn(at).pin("7", fdOf(process))).toBeNull();
  const identity = await identityOf(process);
  await process.kill();
  for (const fd of opened.splice(0)) closeFd(fd);
  // As a daemon starts that finds it by the pin alone.
  const fd = openReadOnly(join(at, "7"));
  opened.push(fd);
  expect(pinsIn(at).pin("7", fd)).toBeNull();
  expect(mountsAt(at)).toEqual([identity]);
});

test("what cannot be pinned is told, and leaves nothing behind that counts as a pin", async () => {
  await using process = await startProcess(["unshare", "--net"]);
  const at = folder();
  const pins = pinsIn(at);
  expect(pins.pin("7", -1)).toContain("ENOENT");
  expect(mountsAt(at)).toEqual([]);
  expect(pins.has("7")).toBe(false);
  expect(existsSync(join(at, "7"))).toBe(false);
  expect(pins.pin("7", fdOf(process))).toBeNull();
});
