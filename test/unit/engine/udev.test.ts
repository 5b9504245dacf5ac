import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { udevIn } from "../../../src/engine/udev.ts";

const folder = mkdtempSync(join(tmpdir(), "netdevd-udev-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("without udev, and away from its namespace, every device is set up", () => {
  expect(udevIn(folder, true).isSetUp(2)).toBe(true);
  writeFileSync(join(folder, "control"), "");
  expect(udevIn(folder, false).isSetUp(2)).toBe(true);
});

test("a device is set up once udev has an entry of it", () => {
  mkdirSync(join(folder, "data"));
  expect(udevIn(folder, true).isSetUp(2)).toBe(false);
  writeFileSync(join(folder, "data", "n2"), "I:8147352\nE:ID_NET_NAME_PATH=enp0s18\nG:systemd\n");
  expect(udevIn(folder, true).isSetUp(2)).toBe(true);
  expect(udevIn(folder, true).isSetUp(22)).toBe(false);
});

test("a device that udev is about to rename, or has renamed and was not told so yet, is not set up", () => {
  const write = (text: string) => writeFileSync(join(folder, "data", "n3"), text);
  write("E:ID_RENAMING=1\n");
  expect(udevIn(folder, true).isSetUp(3)).toBe(false);
  write("I:8147352\nE:ID_NET_NAME_PATH=enp0s18\nE:ID_RENAMING=1\nG:systemd\n");
  expect(udevIn(folder, true).isSetUp(3)).toBe(false);
  write("I:8147352\nE:ID_NET_NAME_PATH=enp0s18\nG:systemd\n");
  expect(udevIn(folder, true).isSetUp(3)).toBe(true);
});
