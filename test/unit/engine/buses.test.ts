import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { busesIn } from "../../../src/engine/buses.ts";

// Links as `ls -l` shows them in a QEMU guest with virtio_net, and with igb and two VFs.
const LINKS: Record<string, string> = {
  "virtio/devices/virtio0": "../../../devices/pci0000:00/0000:00:01.0/virtio0",
  "virtio/devices/virtio7": "../../../devices/pci0000:00/0000:00:02.3/0000:05:00.0/virtio7",
  "virtio/devices/virtio9": "../../../devices/platform/LNRO0005:01/virtio9",
  "pci/devices/0000:01:10.0/physfn": "../0000:01:00.0",
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-buses-"));
  for (const [path, target] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("busesIn", () => {
  test.each([
    ["virtio0", "0000:00:01.0"],
    ["virtio7", "0000:05:00.0"],
    // virtio-mmio.
    ["virtio9", null],
    ["virtio1", null],
  ])("the PCI device of %s is %p", (name, pci) => expect(busesIn(folder).virtioParent(name)).toBe(pci));

  test.each([
    ["0000:01:10.0", "0000:01:00.0"],
    ["0000:01:00.0", null],
    ["0000:02:00.0", null],
  ])("the PF of %s is %p", (pci, pf) => expect(busesIn(folder).physicalFunction(pci)).toBe(pf));

  test("a machine without such buses has none of these", () => {
    const nowhere = busesIn(join(folder, "nowhere"));
    expect([nowhere.virtioParent("virtio0"), nowhere.physicalFunction("0000:01:10.0")]).toEqual([null, null]);
  });
});
