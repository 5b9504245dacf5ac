import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { checked, lastErrno, libc } from "../../../ffi/libc.ts";
import { cString } from "../../../ffi/memory.ts";
import { openReadOnly } from "../../../ffi/netns.ts";
import { failureOf } from "./failure.ts";

const [ENOENT, EBADF, ENOTDIR] = [2, 9, 20];
const TIMES = 10_000;
const MISSING = "/nowhere/to/be/found";

/** What else a daemon does between two calls: allocate, fail in libc, and now and then collect garbage. */
function disturb(time: number): void {
  existsSync(MISSING);
  const garbage = Array.from({ length: 20 }, (_, at) => new Uint8Array(at + 1));
  try {
    readFileSync(`/proc/self/${garbage.length}`);
  } catch {
    // It is there to fail.
  }
  if (time % 100 === 0) Bun.gc(true);
}

describe(`the errno is that of the call that failed, ${TIMES} times out of ${TIMES}`, () => {
  test("close(-1): EBADF", () => {
    let wrong = 0;
    for (let time = 0; time < TIMES; time++) {
      disturb(time);
      if (failureOf(() => checked("close", libc.close(-1))).errno !== EBADF) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test("open of a path that is not there: ENOENT, and the path", () => {
    let wrong = 0;
    for (let time = 0; time < TIMES; time++) {
      disturb(time);
      const path = `${MISSING}/${time}`;
      const { message } = failureOf(() => openReadOnly(path));
      if (message !== `open ${path}: ENOENT: no such file or directory`) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test("one after the other, each its own", () => {
    const below = cString("/proc/self/stat/below-a-file");
    const missing = cString(MISSING);
    let wrong = 0;
    for (let time = 0; time < TIMES; time++) {
      disturb(time);
      if (libc.open(below.address, 0, 0) !== -1 || lastErrno() !== ENOTDIR) wrong++;
      if (libc.close(-1) !== -1 || lastErrno() !== EBADF) wrong++;
      if (libc.open(missing.address, 0, 0) !== -1 || lastErrno() !== ENOENT) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test("in a Worker too, which has an errno of its own, while this thread fails otherwise", async () => {
    const worker = new Worker(new URL("./errno.worker.ts", import.meta.url).href);
    const answer = new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(Number(data));
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.postMessage(TIMES);
    let wrongHere = 0;
    let wrongThere: number | null = null;
    while (wrongThere === null) {
      for (let time = 1; time < 100; time++) {
        if (failureOf(() => checked("close", libc.close(-1))).errno !== EBADF) wrongHere++;
      }
      wrongThere = await Promise.race([answer, Bun.sleep(0).then(() => null)]);
    }
    worker.terminate();
    expect({ wrongHere, wrongThere }).toEqual({ wrongHere: 0, wrongThere: 0 });
  });
});

describe("checked", () => {
  test("hands on what is not negative", () => {
    expect(checked("close", 0)).toBe(0);
    expect(checked("open", 7)).toBe(7);
  });

  test("takes the bigint that an i64 comes as", () => {
    expect(checked("syscall", 7n)).toBe(7);
    libc.close(-1);
    expect(failureOf(() => checked("syscall", -1n)).errno).toBe(EBADF);
  });
});

test("a path is the one that was asked for, whatever the collector does to the others", () => {
  let wrong = 0;
  for (let time = 0; time < 2_000; time++) {
    disturb(time);
    const path = `/proc/self/task/${process.pid}/${time % 2 === 0 ? "stat" : "comm"}`;
    const fd = openReadOnly(path);
    const content = readFileSync(`/proc/self/fd/${fd}`, "utf8");
    libc.close(fd);
    if (content.startsWith(`${process.pid} (`) !== (time % 2 === 0)) wrong++;
  }
  expect(wrong).toBe(0);
});
