import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, openReadOnly } from "../../../ffi/netns.ts";
import { bootTime, lockFile, openEventfd, openPidfd, parseStat } from "../../../ffi/process.ts";
import { failureOf } from "./failure.ts";
import { flagsOf, O_CLOEXEC } from "./open-file.ts";

describe("openPidfd", () => {
  test("names the process, and is not inherited", () => {
    const fd = openPidfd(process.pid);
    expect(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toContain(`Pid:\t${process.pid}\n`);
    expect(flagsOf(fd) & O_CLOEXEC).toBe(O_CLOEXEC);
    closeFd(fd);
  });

  test.each([
    { what: "a pid that was never given out", pid: 2 ** 22 + 1, code: "ESRCH" },
    { what: "0", pid: 0, code: "EINVAL" },
    { what: "a negative one", pid: -1, code: "EINVAL" },
  ])("$what: $code", ({ pid, code }) => {
    const error = failureOf(() => openPidfd(pid));
    expect({ call: error.call, code: error.code }).toEqual({ call: "pidfd_open", code });
    expect(error.message).toStartWith(`pidfd_open ${pid}: ${code}: `);
  });
});

test("bootTime is /proc/uptime in milliseconds", () => {
  const before = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1e3;
  const now = bootTime();
  // /proc/uptime is cut to hundredths.
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now - before).toBeLessThan(1_000);
  expect(bootTime()).toBeGreaterThanOrEqual(now);
});

test("parseStat tells state and start, whatever the process is called", () => {
  const fields = Array.from({ length: 49 }, (_, at) => at + 4).join(" ");
  expect(parseStat(`7 (a) Z 1 2 (b) R ${fields}\n`)).toEqual({ state: "R", startTime: 22 });
  const own = parseStat(readFileSync("/proc/self/stat", "latin1"));
  expect(own.startTime * 10).toBeLessThanOrEqual(bootTime());
});

test("openEventfd is not inherited", () => {
  const fd = openEventfd();
  expect(flagsOf(fd) & O_CLOEXEC).toBe(O_CLOEXEC);
  closeFd(fd);
});

test("lockFile: a second holder is refused with EAGAIN until the first lets go", () => {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "lock");
  writeFileSync(path, "");
  const [first, second] = [openReadOnly(path), openReadOnly(path)];
  lockFile(first);
  expect(failureOf(() => lockFile(second)).code).toBe("EAGAIN");
  closeFd(first);
  lockFile(second);
  closeFd(second);
});
