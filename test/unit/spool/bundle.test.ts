import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { readBundle } from "../../../src/spool/bundle.ts";
import { Scratch, systemError } from "./scratch.ts";

const CONFIG = '{"linux":{"netDevices":{"d0":{"name":"eth0"}}}}';

function makeFifo(path: string): void {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
}

describe("a bundle asks", () => {
  test("for what its config.json says", () => {
    using scratch = new Scratch();
    fs.writeFileSync(scratch.at("config.json"), CONFIG);
    const netDevices = [{ hostName: "d0", name: "eth0" }];
    expect(readBundle(fs, scratch.at("."))).toEqual({ ok: true, netDevices });
    expect(readBundle(fs, `${scratch.at(".")}//`)).toEqual({ ok: true, netDevices });
  });

  test("for nothing where there is no such file, or no such folder", () => {
    using scratch = new Scratch();
    expect(readBundle(fs, scratch.at("."))).toEqual({ ok: true, netDevices: [] });
    expect(readBundle(fs, scratch.at("nothing"))).toEqual({ ok: true, netDevices: [] });
  });

  test("with a file of 4 MiB at most", () => {
    using scratch = new Scratch();
    const full = CONFIG.padEnd(4 * 1024 * 1024);
    fs.writeFileSync(scratch.at("config.json"), full);
    expect(readBundle(fs, scratch.at("."))).toMatchObject({ ok: true, netDevices: [{ hostName: "d0" }] });
    fs.writeFileSync(scratch.at("config.json"), `${full} `);
    expect(messageOf(readBundle(fs, scratch.at(".")))).toEndWith(
      "/config.json: expected 4194304 bytes at most, found 4194305",
    );
  });
});

function messageOf(read: ReturnType<typeof readBundle>): string {
  return read.ok ? "read" : `${read.problem.code}: ${read.problem.message}`;
}

describe("a bundle is refused", () => {
  const cases: [what: string, make: (path: string) => void][] = [
    ["a symbolic link", (path) => fs.symlinkSync("/etc/hostname", path)],
    ["a FIFO", makeFifo],
    ["a folder", (path) => fs.mkdirSync(path)],
  ];
  for (const [what, make] of cases) {
    test(`whose config.json is ${what}, without waiting for anything`, () => {
      using scratch = new Scratch();
      const path = scratch.at("config.json");
      make(path);
      expect(messageOf(readBundle(fs, scratch.at(".")))).toBe(
        `bundle-invalid: ${scratch.at(".")}/config.json: expected a regular file, found ${what}`,
      );
    });
  }

  test("that is no folder, or no absolute path", () => {
    expect(messageOf(readBundle(fs, "/etc/hostname"))).toStartWith(
      "bundle-invalid: /etc/hostname/config.json: the file cannot be read: ENOTDIR",
    );
    for (const bundle of ["b", "./b", "/a\0b", `/${"x".repeat(5000)}`])
      expect(messageOf(readBundle(fs, bundle))).toEndWith(": expected the absolute path of a bundle");
  });

  test("for now, where the system is short of something", () => {
    using scratch = new Scratch();
    fs.writeFileSync(scratch.at("config.json"), CONFIG);
    const openSync = () => {
      throw systemError("EMFILE", "too many open files");
    };
    const read = readBundle({ ...fs, openSync }, scratch.at("."));
    expect(messageOf(read)).toStartWith(
      `system-error: ${scratch.at("config.json")} cannot be read now: EMFILE: too many open files`,
    );
  });
});
