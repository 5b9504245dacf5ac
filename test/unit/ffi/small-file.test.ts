import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checked, libc } from "../../../ffi/libc.ts";
import { cString } from "../../../ffi/memory.ts";
import { openReadOnly } from "../../../ffi/netns.ts";
import { readAndClose, writeAndClose } from "../../../ffi/small-file.ts";
import { failureOf } from "./failure.ts";

const O_WRONLY = 1;

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  writeFileSync(path, text);
  return path;
}

const fds = () => readdirSync("/proc/self/fd").length;

describe("readAndClose", () => {
  test("gives what is there, and leaves nothing open", () => {
    const path = fileWith("17\n");
    const before = fds();
    expect(readAndClose(openReadOnly(path), path)).toBe("17\n");
    expect(fds()).toBe(before);
  });

  test("gives all of what is longer than one read(2) gives, one text after another", () => {
    const long = Array.from({ length: 2000 }, (_, at) => `line ${at}\n`).join("");
    const [path, other] = [fileWith(long), fileWith("17\n")];
    expect(readAndClose(openReadOnly(path), path)).toBe(long);
    expect(readAndClose(openReadOnly(other), other)).toBe("17\n");
  });

  test("names what could not be read, and leaves nothing open", () => {
    const before = fds();
    const error = failureOf(() => readAndClose(openReadOnly("/"), "/"));
    expect({ call: error.call, code: error.code }).toEqual({ call: "read", code: "EISDIR" });
    expect(fds()).toBe(before);
  });
});

describe("writeAndClose", () => {
  test("writes, and leaves nothing open", () => {
    const path = fileWith("");
    const before = fds();
    writeAndClose(checked("open", libc.open(cString(path).bytes, O_WRONLY, 0)), "17", path);
    expect(readFileSync(path, "utf8")).toBe("17");
    expect(fds()).toBe(before);
  });

  test("names what could not be written, and leaves nothing open", () => {
    const path = fileWith("");
    const before = fds();
    const error = failureOf(() => writeAndClose(openReadOnly(path), "17", path));
    expect({ call: error.call, code: error.code }).toEqual({ call: "write", code: "EBADF" });
    expect(error.message).toContain(path);
    expect(fds()).toBe(before);
  });
});
