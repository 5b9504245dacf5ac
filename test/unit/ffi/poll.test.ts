import { afterEach, describe, expect, test } from "bun:test";
import { closeFd, openReadOnly } from "../../../ffi/netns.ts";
import { createReadableTest, drainEventfd, PollSet, signalEventfd } from "../../../ffi/poll.ts";
import { openEventfd, openPidfd } from "../../../ffi/process.ts";

const isReadable = createReadableTest();

const opened: number[] = [];

function eventfd(): number {
  const fd = openEventfd();
  opened.push(fd);
  return fd;
}

afterEach(() => {
  for (const fd of opened.splice(0)) closeFd(fd);
});

describe("eventfd", () => {
  test("is readable from signal to drain, however often it was signalled", () => {
    const fd = eventfd();
    expect(isReadable(fd)).toBe(false);
    signalEventfd(fd);
    signalEventfd(fd);
    expect(isReadable(fd)).toBe(true);
    drainEventfd(fd);
    expect(isReadable(fd)).toBe(false);
  });

  test("one that is not readable is drained without waiting", () => {
    const fd = eventfd();
    drainEventfd(fd);
    expect(isReadable(fd)).toBe(false);
  });
});

describe("PollSet", () => {
  test("names those that are readable, in a set of more than it began with room for", () => {
    const fds = Array.from({ length: 100 }, eventfd);
    const set = new PollSet();
    for (const fd of fds) set.add(fd);
    expect(set.wait(0)).toEqual([]);
    const signalled = fds.filter((_, at) => at % 17 === 0);
    for (const fd of signalled) signalEventfd(fd);
    expect(set.wait(-1)).toEqual(signalled);
  });

  test("forgets what was removed, and only that", () => {
    const [one, two] = [eventfd(), eventfd()];
    const set = new PollSet();
    set.add(one);
    set.add(two);
    signalEventfd(one);
    signalEventfd(two);
    set.remove(one);
    set.remove(one);
    expect(set.wait(-1)).toEqual([two]);
  });

  test("waits as long as it was told to where nothing comes", () => {
    const set = new PollSet();
    set.add(eventfd());
    const start = performance.now();
    expect(set.wait(50)).toEqual([]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  });

  test("an fd that was closed counts as one with an error", () => {
    const set = new PollSet();
    const fd = openEventfd();
    set.add(fd);
    closeFd(fd);
    expect(set.wait(1_000)).toEqual([fd]);
  });

  test("an empty set waits out its time", () => {
    expect(new PollSet().wait(1)).toEqual([]);
  });

  test("a regular file is always readable", () => {
    const fd = openReadOnly("/proc/self/stat");
    opened.push(fd);
    expect(isReadable(fd)).toBe(true);
  });
});

test("a pidfd becomes readable when its process ends", async () => {
  const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "ignore" });
  const pidfd = openPidfd(child.pid);
  opened.push(pidfd);
  expect(isReadable(pidfd)).toBe(false);
  await child.stdin.end();
  const set = new PollSet();
  set.add(pidfd);
  expect(set.wait(5_000)).toEqual([pidfd]);
  await child.exited;
  expect(isReadable(pidfd)).toBe(true);
});
