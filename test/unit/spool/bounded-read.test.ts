import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { createServer } from "node:net";
import { MAX_BYTES, readBounded } from "../../../src/spool/bounded-read.ts";
import type { Files } from "../../../src/spool/files.ts";
import { Scratch, systemError } from "./scratch.ts";

function reason(path: string, files: Files = fs): string {
  const file = readBounded(files, path);
  return typeof file === "object" && file.type === "refusal" ? file.message : `read: ${JSON.stringify(file)}`;
}

function makeFifo(path: string): void {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
}

describe("readBounded", () => {
  test("gives the bytes and the time of writing, to the microsecond", () => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "ab");
    fs.utimesSync(path, 0, 1_700_000_000.123456);
    const file = readBounded(fs, path);
    expect(file).toMatchObject({ type: "bytes" });
    if (typeof file !== "object" || file.type !== "bytes") return;
    expect(new TextDecoder().decode(file.bytes)).toBe("ab");
    expect(Math.abs(file.writtenAt - 1_700_000_000_123.456)).toBeLessThan(0.001);
  });

  test("takes a file of 1 MiB and an empty one", () => {
    using scratch = new Scratch();
    fs.writeFileSync(scratch.at("full"), Buffer.alloc(MAX_BYTES));
    fs.writeFileSync(scratch.at("empty"), "");
    expect(readBounded(fs, scratch.at("full"))).toMatchObject({ bytes: { length: MAX_BYTES } });
    expect(readBounded(fs, scratch.at("empty"))).toMatchObject({ bytes: { length: 0 } });
  });

  test("refuses what is no regular file of at most 1 MiB, and waits for nothing", () => {
    using scratch = new Scratch();
    fs.writeFileSync(scratch.at("long"), Buffer.alloc(MAX_BYTES + 1));
    fs.mkdirSync(scratch.at("folder"));
    fs.symlinkSync("long", scratch.at("link"));
    fs.symlinkSync("nothing", scratch.at("dangling"));
    makeFifo(scratch.at("fifo"));
    expect(reason(scratch.at("long"))).toBe("expected 1048576 bytes at most, found 1048577");
    expect(reason(scratch.at("folder"))).toBe("expected a regular file, found a folder");
    expect(reason(scratch.at("link"))).toBe("expected a regular file, found a symbolic link");
    expect(reason(scratch.at("dangling"))).toBe("expected a regular file, found a symbolic link");
    expect(reason(scratch.at("fifo"))).toBe("expected a regular file, found a FIFO");
    expect(reason("/dev/null")).toBe("expected a regular file, found a device");
  });

  test("refuses a socket", async () => {
    using scratch = new Scratch();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(scratch.at("socket"), resolve));
    expect(reason(scratch.at("socket"))).toBe("expected a regular file, found a socket");
    server.close();
  });

  test("says gone of what is not there", () => {
    using scratch = new Scratch();
    expect(readBounded(fs, scratch.at("none"))).toBe("gone");
  });

  test.each([
    ["a link", (path: string) => fs.symlinkSync("/dev/null", path), /^the file cannot be read: ELOOP/],
    ["a FIFO", makeFifo, /^expected a regular file, found a FIFO$/],
    ["a folder", (path: string) => fs.mkdirSync(path), /^expected a regular file, found a folder$/],
  ])("is not led astray by %s put in the file's place after the first look", (_, put, message) => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "{}");
    const files: Files = {
      ...fs,
      openSync: (name, flags, mode) => {
        fs.unlinkSync(path);
        put(path);
        return fs.openSync(name, flags, mode);
      },
    };
    expect(reason(path, files)).toMatch(message);
  });

  test("refuses a file without permission in the kernel's words", () => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "{}");
    const openSync = () => {
      throw systemError("EACCES", "permission denied");
    };
    expect(reason(path, { ...fs, openSync })).toBe("the file cannot be read: EACCES: permission denied");
  });

  test("refuses a file that grows under its eyes", () => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "{}");
    const fstatSync: Files["fstatSync"] = Object.assign((...args: Parameters<typeof fs.fstatSync>) => {
      const stats = fs.fstatSync(...args);
      fs.appendFileSync(path, "more");
      return stats;
    });
    expect(reason(path, { ...fs, fstatSync })).toStartWith("expected a finished file, found one that grows");
  });

  test("throws where the machine is short of something: the file is not to blame", () => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "{}");
    const openSync = () => {
      throw systemError("EMFILE", "too many open files");
    };
    expect(() => readBounded({ ...fs, openSync }, path)).toThrow("EMFILE");
  });

  test("opens with O_CLOEXEC and closes what it opened", () => {
    using scratch = new Scratch();
    const path = scratch.at("a.json");
    fs.writeFileSync(path, "{}");
    const flags: string[] = [];
    const closed: number[] = [];
    const files: Files = {
      ...fs,
      openSync: (...args) => {
        const fd = fs.openSync(...args);
        flags.push(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/flags:\t(\d+)/)?.[1] ?? "");
        return fd;
      },
      closeSync: (fd) => {
        closed.push(fd);
        fs.closeSync(fd);
      },
    };
    readBounded(files, path);
    // O_CLOEXEC is 02000000 on x86-64 and arm64 (asm-generic/fcntl.h).
    expect(flags.map((octal) => Number.parseInt(octal, 8) & 0o2000000)).toEqual([0o2000000]);
    expect(closed).toHaveLength(1);
  });
});
