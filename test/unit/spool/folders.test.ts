import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { type Folder, folderFault, folderFaultText, makeFolder } from "../../../src/spool/folders.ts";
import { Scratch, systemError } from "./scratch.ts";

const owner = process.geteuid?.() ?? 0;

function modeOf(path: string): number {
  return fs.lstatSync(path).mode & 0o777;
}

describe("makeFolder", () => {
  test("makes what is missing, with its parents, in the right mode under any umask", () => {
    using scratch = new Scratch();
    const umask = process.umask(0o077);
    try {
      const results: Folder = { path: scratch.at("run", "netdevd", "results"), access: "readable" };
      const spool: Folder = { path: scratch.at("run", "netdevd", "spool"), access: "private" };
      expect(makeFolder(fs, results, owner)).toBeNull();
      process.umask(0);
      expect(makeFolder(fs, spool, owner)).toBeNull();
      expect([modeOf(results.path), modeOf(spool.path)]).toEqual([0o755, 0o700]);
      expect(makeFolder(fs, spool, owner)).toBeNull();
    } finally {
      process.umask(umask);
    }
  });

  test("tells why a folder cannot be made", () => {
    using scratch = new Scratch();
    fs.writeFileSync(scratch.at("file"), "");
    const fault = makeFolder(fs, { path: scratch.at("file", "spool"), access: "private" }, owner);
    expect(fault?.found).toStartWith("cannot be used: ENOTDIR");
    const mkdirSync = Object.assign(() => {
      throw systemError("EROFS", "read-only file system");
    }, fs.mkdirSync);
    const other = makeFolder({ ...fs, mkdirSync }, { path: scratch.at("none"), access: "readable" }, owner);
    expect(other).toEqual({
      path: scratch.at("none"),
      found: "cannot be used: EROFS: read-only file system",
      expected: "a folder of the daemon's own",
      mend: null,
    });
  });
});

describe("a folder at fault tells what it is, what it should be and what mends it", () => {
  test.each([
    ["private", 0o755, "has mode 0755", "0700", "chmod 0700"],
    ["private", 0o710, "has mode 0710", "0700", "chmod 0700"],
    ["private", 0o701, "has mode 0701", "0700", "chmod 0700"],
    ["private", 0o500, "has mode 0500", "0700", "chmod 0700"],
    ["readable", 0o775, "has mode 0775", "0755", "chmod 0755"],
    ["readable", 0o1777, "has mode 0777", "0755", "chmod 0755"],
  ] as const)("%s with mode %o", (access, mode, found, expected, command) => {
    using scratch = new Scratch();
    const path = scratch.at("it's here");
    fs.mkdirSync(path);
    fs.chmodSync(path, mode);
    const mend = `${command} '${path.replace("'", "'\\''")}'`;
    expect(folderFault(fs, { path, access }, owner)).toEqual({ path, found, expected, mend });
    expect(Bun.spawnSync(["sh", "-c", mend]).exitCode).toBe(0);
    expect(folderFault(fs, { path, access }, owner)).toBeNull();
  });

  test.each([
    ["private", 0o700],
    ["private", 0o2700],
    ["readable", 0o755],
    ["readable", 0o750],
    ["readable", 0o700],
  ] as const)("%s with mode %o is none", (access, mode) => {
    using scratch = new Scratch();
    fs.mkdirSync(scratch.at("folder"));
    fs.chmodSync(scratch.at("folder"), mode);
    expect(folderFault(fs, { path: scratch.at("folder"), access }, owner)).toBeNull();
  });

  test("another's folder", () => {
    using scratch = new Scratch();
    fs.mkdirSync(scratch.at("spool"), { mode: 0o700 });
    const path = scratch.at("spool");
    expect(folderFault(fs, { path, access: "private" }, owner + 1)).toEqual({
      path,
      found: `is owned by uid ${owner}`,
      expected: `uid ${owner + 1}, the daemon's own`,
      mend: `chown ${owner + 1} ${path}`,
    });
  });

  test("a link to a folder, and a file", () => {
    using scratch = new Scratch();
    fs.mkdirSync(scratch.at("real"), { mode: 0o700 });
    fs.symlinkSync("real", scratch.at("link"));
    fs.writeFileSync(scratch.at("file"), "");
    const fault = (name: string) => makeFolder(fs, { path: scratch.at(name), access: "private" }, owner);
    expect(fault("link")).toMatchObject({ found: "is a symbolic link", mend: `rm ${scratch.at("link")}` });
    expect(fault("file")).toMatchObject({ found: "is a regular file", expected: "a real folder" });
  });

  test("one that is not there, where nothing is to be made", () => {
    using scratch = new Scratch();
    const path = scratch.at("none");
    const fault = folderFault(fs, { path, access: "private" }, owner);
    expect(fault === null ? "" : folderFaultText(fault)).toBe(
      `${path} is not there; expected a folder of the daemon's own; mend it with: mkdir -p -m 0700 ${path}`,
    );
  });
});
