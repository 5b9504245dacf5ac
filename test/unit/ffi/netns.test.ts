import { describe, expect, onTestFinished, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  closeFd,
  isNetworkNamespace,
  namespaceLink,
  netlinkSocket,
  openOwnNamespace,
  openPath,
  openReadOnly,
  strayThreads,
} from "../../../ffi/netns.ts";
import { flagsOf, O_CLOEXEC, O_PATH } from "./open-file.ts";

const OWN = "/proc/thread-self/ns/net";

/** Opens, looks, closes. */
function holding<T>(fd: number, look: (fd: number) => T): T {
  try {
    return look(fd);
  } finally {
    closeFd(fd);
  }
}

test("openOwnNamespace is the namespace of the calling thread", () => {
  const link = holding(openOwnNamespace(), (fd) => namespaceLink(`/proc/self/fd/${fd}`));
  expect(link).toBe(namespaceLink(OWN));
  expect(link).toMatch(/^net:\[\d+\]$/);
});

describe("isNetworkNamespace", () => {
  test("tells a network namespace from one of another kind", () => {
    expect(holding(openOwnNamespace(), isNetworkNamespace)).toBe(true);
    expect(holding(openReadOnly("/proc/self/ns/mnt"), isNetworkNamespace)).toBe(false);
    expect(holding(openReadOnly("/proc/self/ns/user"), isNetworkNamespace)).toBe(false);
  });

  test("a file that is no namespace is an error", () => {
    const look = () => holding(openReadOnly("/proc/self/stat"), isNetworkNamespace);
    expect(look).toThrow("ioctl NS_GET_NSTYPE: ENOTTY: inappropriate ioctl for device");
  });
});

test("nothing that is opened here is inherited by a child", () => {
  for (const open of [openOwnNamespace, () => openPath("/proc/self/stat"), netlinkSocket]) {
    expect(holding(open(), flagsOf) & O_CLOEXEC).toBe(O_CLOEXEC);
  }
});

test("openPath waits for no FIFO and opens nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-fifo-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const fifo = join(folder, "fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  expect(existsSync(fifo)).toBe(true);
  expect(holding(openPath(fifo), flagsOf) & O_PATH).toBe(O_PATH);
});

test("closeFd gives the number back", () => {
  const fd = openOwnNamespace();
  expect(existsSync(`/proc/self/fd/${fd}`)).toBe(true);
  closeFd(fd);
  expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
});

describe("strayThreads", () => {
  test("there is none where every thread is at home", () => {
    expect(strayThreads(namespaceLink(OWN))).toEqual([]);
  });

  test("every thread is one where home is elsewhere", () => {
    expect(strayThreads("net:[1]")).toContain(process.pid);
  });
});
