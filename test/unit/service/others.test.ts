import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { othersAt } from "../../../src/service/others.ts";

const OURS = "/proc/self/ns/net";

/** A /run with these files in it, as udev 252, networkd 252 and NetworkManager 1.42 keep them. */
function runWith(files: Readonly<Record<string, string>>): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "netdevd-run-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("where no udev runs, or serves another namespace, nobody acts", () => {
  using empty = runWith({});
  expect(othersAt(empty.path, OURS)).toBeNull();
  using run = runWith({ "udev/control": "" });
  expect(othersAt(run.path, "/proc/self/ns/user")).toBeNull();
  expect(othersAt(run.path, "/proc/nobody/ns/net")).toBeNull();
  expect(othersAt(run.path, OURS)).not.toBeNull();
});

test("udev has settled when its queue is gone", () => {
  using run = runWith({ "udev/control": "", "udev/queue": "" });
  const others = othersAt(run.path, OURS);
  expect(others?.settled()).toBe(false);
  rmSync(join(run.path, "udev/queue"));
  expect(others?.settled()).toBe(true);
});

test.each([
  [
    "systemd/netif/links/4",
    "# This is private data. Do not parse.\nADMIN_STATE=configured\nOPER_STATE=routable\n",
    true,
  ],
  ["systemd/netif/links/4", "# This is private data. Do not parse.\nADMIN_STATE=configuring\n", true],
  [
    "systemd/netif/links/4",
    "# This is private data. Do not parse.\nADMIN_STATE=unmanaged\nOPER_STATE=off\n",
    false,
  ],
  ["systemd/netif/links/4", "ADMIN_STATE=failed\nOPER_STATE=off\n", true],
  ["systemd/netif/links/4", "ADMIN_STATE=pending\nOPER_STATE=off\n", false],
  ["systemd/netif/links/4", "ADMIN_STATE=initialized\nOPER_STATE=off\n", false],
  ["systemd/netif/links/5", "ADMIN_STATE=configured\n", false],
  ["NetworkManager/devices/4", "[device]\nmanaged=true\n", true],
  ["NetworkManager/devices/4", "[device]\nmanaged=1\n", true],
  ["NetworkManager/devices/4", "[device]\nmanaged=false\n", false],
])("%s with %j: device 4 is managed: %p", (file, text, is) => {
  using run = runWith({ "udev/control": "", [file]: text });
  expect(othersAt(run.path, OURS)?.manages(4)).toBe(is);
});
