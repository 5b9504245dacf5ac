import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { openBacklog } from "../../../src/spool/backlog.ts";
import { byChange, isEventName, listEvents, movedFiles } from "../../../src/spool/scan.ts";
import { Scratch } from "./scratch.ts";

test.each([
  ["a.json", true],
  ["ä b\n.json", true],
  ["a.json.json", true],
  [".json", false],
  [".a.json", false],
  ["a.json.tmp", false],
  ["a.tmp", false],
  ["a.JSON", false],
  ["json", false],
  ["claimed", false],
])("isEventName(%p) is %p", (name, expected) => {
  expect(isEventName(name)).toBe(expected);
});

test("events are ordered by change time, then name", () => {
  const file = (name: string, changedAt: bigint) => ({ name, path: name, changedAt, writtenAt: 0n });
  const files = [file("b", 2n), file("z", 1n), file("a", 2n), file("a0", 2n), file("c", 1n + 2n ** 60n)];
  expect(files.sort(byChange).map(({ name }) => name)).toEqual(["z", "a", "a0", "b", "c"]);
});

test("a name that is no UTF-8 is escaped, and its path kept as bytes", () => {
  using scratch = new Scratch();
  const raw = Buffer.concat([
    Buffer.from(`${scratch.path}/a `),
    Buffer.from([0xff, 0x25]),
    Buffer.from(".json"),
  ]);
  const long = Buffer.concat([
    Buffer.from(`${scratch.path}/`),
    Buffer.alloc(250, 0xfe),
    Buffer.from(".json"),
  ]);
  fs.writeFileSync(raw, "");
  fs.writeFileSync(long, "");
  fs.writeFileSync(scratch.at("\ufffd.json"), "");
  const events = listEvents(fs, scratch.path).sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(events.map(({ name }) => name)).toEqual([
    expect.stringMatching(/^(%fe)+.*json$/),
    "a%20%ff%25.json",
    "\ufffd.json",
  ]);
  expect(events.every(({ name }) => Buffer.byteLength(name) <= 255)).toBe(true);
  expect(events[1]?.path).toEqual(raw);
  expect(events[2]?.path).toBe(scratch.at("\ufffd.json"));
});

test("files that were moved within one tick are ordered by the time of writing", () => {
  using scratch = new Scratch();
  for (const [name, seconds] of [
    ["b.json", 10],
    ["a.json", 30],
    ["c.json", 20],
  ] as const) {
    fs.writeFileSync(scratch.at(name), "");
    fs.utimesSync(scratch.at(name), seconds, seconds);
  }
  const lstatSync: typeof fs.lstatSync = Object.assign((...args: Parameters<typeof fs.lstatSync>) => {
    const stats = fs.lstatSync(...args);
    return Object.assign(stats ?? {}, { ctimeNs: 5n });
  }, fs.lstatSync);
  const names = movedFiles({ ...fs, lstatSync }, scratch.path).map(({ name }) => name);
  expect(names).toEqual(["b.json", "c.json", "a.json"]);
});

test("a backlog lists once, looks in slices, and is in order", () => {
  using scratch = new Scratch();
  for (let at = 0; at < 25; at++) fs.writeFileSync(scratch.at(`${(at * 7) % 25}.json`), "");
  const sorted = movedFiles(fs, scratch.path).sort(byChange);
  const backlog = openBacklog(fs, scratch.path);
  expect([backlog.fill(10), backlog.fill(10), backlog.fill(10)]).toEqual([false, false, true]);
  fs.writeFileSync(scratch.at("later.json"), "");
  const taken: string[] = [];
  for (let file = backlog.first(); file !== undefined; file = backlog.first()) {
    taken.push(file.name);
    fs.unlinkSync(file.path);
    backlog.drop();
  }
  expect(taken).toEqual(sorted.map(({ name }) => name));
  expect(backlog.fill(10)).toBe(true);
  expect(backlog.first()?.name).toBe("later.json");
});

test("a file that vanishes between listing and look is no error", () => {
  using scratch = new Scratch();
  fs.writeFileSync(scratch.at("a.json"), "");
  fs.writeFileSync(scratch.at("b.json"), "");
  const lstatSync: typeof fs.lstatSync = Object.assign((...args: Parameters<typeof fs.lstatSync>) => {
    fs.rmSync(join(scratch.path, "a.json"), { force: true });
    return fs.lstatSync(...args);
  }, fs.lstatSync);
  const backlog = openBacklog({ ...fs, lstatSync }, scratch.path);
  expect(backlog.fill(10)).toBe(true);
  expect(backlog.first()?.name).toBe("b.json");
});
