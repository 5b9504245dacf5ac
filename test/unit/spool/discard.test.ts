import { expect, test } from "bun:test";
import fs from "node:fs";
import { claim } from "../../../src/spool/claim.ts";
import { discard, discardLeftovers, moveInto } from "../../../src/spool/discard.ts";
import { Scratch, systemError, until } from "./scratch.ts";

test("discard removes a link and not what it leads to", () => {
  using scratch = new Scratch();
  fs.mkdirSync(scratch.at("kept"));
  fs.writeFileSync(scratch.at("kept", "file"), "");
  fs.symlinkSync("kept", scratch.at("link"));
  discard(fs, scratch.path, "link");
  expect(fs.readdirSync(scratch.path)).toEqual(["kept"]);
  expect(fs.readdirSync(scratch.at("kept"))).toEqual(["file"]);
});

test("discard takes a folder out of sight at once, and removes it without following links in it", async () => {
  using scratch = new Scratch();
  fs.mkdirSync(scratch.at("kept"));
  fs.writeFileSync(scratch.at("kept", "file"), "");
  fs.mkdirSync(scratch.at("work", "gone", "deep"), { recursive: true });
  fs.symlinkSync(scratch.at("kept"), scratch.at("work", "gone", "deep", "link"));
  discard(fs, scratch.at("work"), "gone");
  expect(fs.readdirSync(scratch.at("work"))).not.toContain("gone");
  await until(() => fs.readdirSync(scratch.at("work")).length === 0);
  expect(fs.readdirSync(scratch.at("kept"))).toEqual(["file"]);
});

test("discard of nothing is no error", () => {
  using scratch = new Scratch();
  expect(() => discard(fs, scratch.path, "none")).not.toThrow();
});

test("what a dead daemon left half removed is removed by the next one", async () => {
  using scratch = new Scratch();
  fs.mkdirSync(scratch.at("gone"));
  discard(
    { ...fs, rm: Object.assign(() => {}, { __promisify__: fs.rm.__promisify__ }) },
    scratch.path,
    "gone",
  );
  fs.writeFileSync(scratch.at("other"), "");
  expect(fs.readdirSync(scratch.path)).toHaveLength(2);
  discardLeftovers(fs, scratch.path);
  await until(() => fs.readdirSync(scratch.path).length === 1);
  expect(fs.readdirSync(scratch.path)).toEqual(["other"]);
});

const put = {
  file: (path: string) => fs.writeFileSync(path, "old"),
  folder: (path: string) => fs.mkdirSync(`${path}/deep`, { recursive: true }),
  link: (path: string) => fs.symlinkSync("/nowhere", path),
} as const;

test.each([
  ["file", "file"],
  ["file", "folder"],
  ["file", "link"],
  ["folder", "file"],
  ["folder", "folder"],
  ["link", "folder"],
] as const)("moveInto puts a %s in the place of a %s", async (fresh, old) => {
  using scratch = new Scratch();
  fs.mkdirSync(scratch.at("to"));
  put[fresh](scratch.at("a.json"));
  const { ino } = fs.lstatSync(scratch.at("a.json"));
  put[old](scratch.at("to", "a.json"));
  moveInto(fs, scratch.at("a.json"), scratch.at("to"), "a.json");
  expect(fs.lstatSync(scratch.at("to", "a.json")).ino).toBe(ino);
  expect(fs.existsSync(scratch.at("a.json"))).toBe(false);
  await until(() => fs.readdirSync(scratch.at("to")).join() === "a.json");
});

test("claim renames; a file that is gone is no error; one that cannot be moved is refused in the kernel's words", () => {
  using scratch = new Scratch();
  fs.mkdirSync(scratch.at("claimed"));
  fs.writeFileSync(scratch.at("a.json"), "{}");
  const event = { name: "a.json", path: scratch.at("a.json") };
  expect(claim(fs, event, scratch.at("claimed"))).toBe("claimed");
  expect(claim(fs, event, scratch.at("claimed"))).toBe("gone");
  const failing = (code: string, words: string) => ({
    ...fs,
    renameSync: () => {
      throw systemError(code, words);
    },
  });
  expect(claim(failing("EBUSY", "device or resource busy"), event, scratch.at("claimed"))).toEqual({
    type: "refusal",
    where: null,
    message: "the file cannot be claimed: EBUSY: device or resource busy",
  });
  expect(() => claim(failing("ENOSPC", "no space left on device"), event, scratch.at("claimed"))).toThrow(
    "ENOSPC",
  );
});
