import { afterEach, describe, expect, test } from "bun:test";
import { ReadySet } from "../../../ffi/epoll.ts";
import { closeFd } from "../../../ffi/netns.ts";
import { createReadableTest, drainEventfd, signalEventfd } from "../../../ffi/poll.ts";
import { openEventfd } from "../../../ffi/process.ts";

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

describe("ReadySet", () => {
  test("is readable while one of its fds is, and names those", () => {
    using set = new ReadySet();
    const fds = Array.from({ length: 10 }, eventfd);
    for (const fd of fds) set.add(fd);
    expect({ readable: isReadable(set.fd), ready: set.ready() }).toEqual({ readable: false, ready: [] });
    const [one = 0, two = 0] = [fds[3], fds[7]];
    signalEventfd(one);
    signalEventfd(two);
    expect(isReadable(set.fd)).toBe(true);
    expect(set.ready().toSorted((a, b) => a - b)).toEqual([one, two]);
    drainEventfd(one);
    expect(set.ready()).toEqual([two]);
    drainEventfd(two);
    expect({ readable: isReadable(set.fd), ready: set.ready() }).toEqual({ readable: false, ready: [] });
  });

  test("names all of many, one look after another", () => {
    using set = new ReadySet();
    const waiting = new Set(Array.from({ length: 200 }, eventfd));
    for (const fd of waiting) {
      set.add(fd);
      signalEventfd(fd);
    }
    while (waiting.size > 0) {
      const ready = set.ready();
      expect(ready.length).toBeGreaterThan(0);
      for (const fd of ready) {
        expect(waiting.delete(fd)).toBe(true);
        drainEventfd(fd);
      }
    }
    expect(set.ready()).toEqual([]);
  });

  test("forgets what was removed; removing what is not in it is an error", () => {
    using set = new ReadySet();
    const fd = eventfd();
    set.add(fd);
    signalEventfd(fd);
    set.remove(fd);
    expect({ readable: isReadable(set.fd), ready: set.ready() }).toEqual({ readable: false, ready: [] });
    expect(() => set.remove(fd)).toThrow("ENOENT");
    expect(() => set.add(-1)).toThrow("EBADF");
  });
});
