import { expect, test } from "bun:test";
import fs from "node:fs";
import { openRefused, REFUSED_LIMITS } from "../../../src/spool/refused.ts";
import { Scratch, until } from "./scratch.ts";

const MiB = 1024 * 1024;

function setUp(): { scratch: Scratch; folder: string; drop(name: string, bytes?: number): string } {
  const scratch = new Scratch();
  const folder = scratch.at("refused");
  fs.mkdirSync(folder);
  return {
    scratch,
    folder,
    drop(name, bytes = 10) {
      fs.writeFileSync(scratch.at(name), "");
      fs.truncateSync(scratch.at(name), bytes);
      return scratch.at(name);
    },
  };
}

test("the bounds are those of the contract", () => {
  expect(REFUSED_LIMITS).toEqual({ entries: 1000, bytes: 64 * MiB });
});

test("the oldest go first when there are too many", () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const refused = openRefused(fs, folder, { entries: 3, bytes: MiB });
  for (const name of ["c", "a", "d", "b"]) refused.keep(drop(`${name}.json`), `${name}.json`);
  expect(fs.readdirSync(folder).sort()).toEqual(["a.json", "b.json", "d.json"]);
});

test("the oldest go first when they are too much, and one too big by itself costs no other its place", () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const refused = openRefused(fs, folder, { entries: 100, bytes: 10 * MiB });
  refused.keep(drop("a.json", 4 * MiB), "a.json");
  refused.keep(drop("b.json", 4 * MiB), "b.json");
  refused.keep(drop("big.json", 11 * MiB), "big.json");
  expect(fs.readdirSync(folder).sort()).toEqual(["a.json", "b.json"]);
  refused.keep(drop("c.json", 4 * MiB), "c.json");
  expect(fs.readdirSync(folder).sort()).toEqual(["b.json", "c.json"]);
});

test("a name that is there already is replaced, and counts once", () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const refused = openRefused(fs, folder, { entries: 2, bytes: MiB });
  for (const bytes of [1, 2, 3]) refused.keep(drop("a.json", bytes), "a.json");
  refused.keep(drop("b.json"), "b.json");
  expect(fs.readdirSync(folder).sort()).toEqual(["a.json", "b.json"]);
  expect(fs.statSync(`${folder}/a.json`).size).toBe(3);
});

test("what is replaced no longer counts as much", () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const refused = openRefused(fs, folder, { entries: 9, bytes: 10 * MiB });
  refused.keep(drop("a.json", MiB), "a.json");
  for (let times = 0; times < 5; times++) refused.keep(drop("b.json", 4 * MiB), "b.json");
  expect(fs.readdirSync(folder).sort()).toEqual(["a.json", "b.json"]);
});

test("files of former runs count, by age", () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const before = openRefused(fs, folder, { entries: 5, bytes: MiB });
  for (const [at, name] of ["c", "a", "b"].entries()) {
    fs.utimesSync(drop(`${name}.json`), at, at);
    before.keep(scratch.at(`${name}.json`), `${name}.json`);
  }
  const after = openRefused(fs, folder, { entries: 3, bytes: MiB });
  after.keep(drop("d.json"), "d.json");
  expect(fs.readdirSync(folder).sort()).toEqual(["a.json", "b.json", "d.json"]);
});

test("a folder counts with all that is in it, and goes without its links being followed", async () => {
  const { scratch, folder, drop } = setUp();
  using _ = scratch;
  const kept = drop("kept", 3 * MiB);
  const refused = openRefused(fs, folder, { entries: 100, bytes: 5 * MiB });
  fs.mkdirSync(scratch.at("a.json", "deep"), { recursive: true });
  fs.symlinkSync(kept, scratch.at("a.json", "deep", "link"));
  fs.renameSync(drop("x", 2 * MiB), scratch.at("a.json", "deep", "x"));
  refused.keep(scratch.at("a.json"), "a.json");
  expect(fs.readdirSync(folder)).toEqual(["a.json"]);
  refused.keep(drop("b.json", 4 * MiB), "b.json");
  await until(() => fs.readdirSync(folder).join() === "b.json");
  expect(fs.statSync(kept).size).toBe(3 * MiB);
});

test("a folder of too many files to count is too much", async () => {
  const { scratch, folder } = setUp();
  using _ = scratch;
  fs.mkdirSync(scratch.at("a.json"));
  for (let at = 0; at < 1100; at++) fs.writeFileSync(scratch.at("a.json", String(at)), "");
  openRefused(fs, folder).keep(scratch.at("a.json"), "a.json");
  await until(() => fs.readdirSync(folder).length === 0);
});

test("nothing there is no error", () => {
  const { scratch, folder } = setUp();
  using _ = scratch;
  openRefused(fs, folder).keep(scratch.at("none.json"), "none.json");
  expect(fs.readdirSync(folder)).toEqual([]);
});
