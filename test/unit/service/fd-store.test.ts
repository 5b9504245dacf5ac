import { describe, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync } from "node:fs";
import type { Pins } from "../../../src/engine/pins.ts";
import { cookieOf, fdStore, storedPins } from "../../../src/service/fd-store.ts";
import { NotifyError } from "../../../src/service/sd-notify.ts";

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

const own = () => openSync("/proc/self/ns/net", "r");

/** Pins in a manager's store that is an array; what is told to it is kept in order. */
function stored(
  held: Record<string, number> = {},
  { full = false, deaf = false, mounted = [] as string[] } = {},
) {
  const told: string[] = [];
  const say = (what: string, fault: NotifyError | null = null) => {
    told.push(what);
    return fault;
  };
  const mounts: Pins = {
    path: (cookie) => `/pins/${cookie}`,
    has: (cookie) => mounted.includes(cookie),
    pin: () => "is not to be mounted",
    unpin: (cookie) => void say(`unmount ${cookie}`),
    list: () => mounted,
  };
  const notifier = {
    storeFds: (name: string, fds: readonly number[]) =>
      say(`store ${name} ${fds}`, full ? new NotifyError("full") : null),
    forgetFds: (name: string) => say(`forget ${name}`, deaf ? new NotifyError("deaf") : null),
    barrier: () => say("barrier"),
  };
  return { pins: storedPins(notifier, new Map(Object.entries(held)), mounts), told };
}

describe("pins in the service manager's store", () => {
  test("a namespace is stored under its cookie, and waited for, before it counts as pinned", () => {
    const { pins, told } = stored();
    expect(pins.has("7")).toBe(false);
    expect(pins.pin("7", 12)).toBeNull();
    expect(told).toEqual(["store netns-7 12", "barrier"]);
    expect(pins.has("7")).toBe(true);
    expect(pins.list()).toEqual(["7"]);
  });

  test("and once only, however often it is pinned", () => {
    const fd = own();
    const { pins, told } = stored({ 7: fd });
    expect(pins.pin("7", 12)).toBeNull();
    expect(pins.pin("8", 13)).toBeNull();
    expect(pins.pin("8", 14)).toBeNull();
    expect(told).toEqual(["store netns-8 13", "barrier"]);
    closeSync(fd);
  });

  test("what the store held at the start is opened by our fd of it, and let go of with it", () => {
    const fd = own();
    const { pins, told } = stored({ 7: fd });
    expect(pins.path("7")).toBe(`/proc/${process.pid}/fd/${fd}`);
    pins.unpin("7");
    expect(told).toEqual(["forget netns-7"]);
    expect(isOpen(fd)).toBe(false);
    expect(pins.list()).toEqual([]);
  });

  test("what is stored, and no more, is forgotten", () => {
    const { pins, told } = stored();
    pins.unpin("9");
    expect(told).toEqual([]);
  });

  test("what the manager could not be told to forget is still pinned, and our fd of it open", () => {
    const fd = own();
    const { pins } = stored({ 7: fd }, { deaf: true });
    expect(() => pins.unpin("7")).toThrow("deaf");
    expect(pins.has("7")).toBe(true);
    expect(isOpen(fd)).toBe(true);
    closeSync(fd);
  });

  test("a store that takes nothing is told, and nothing counts as pinned", () => {
    const { pins, told } = stored({}, { full: true });
    expect(pins.pin("7", 12)).toBe("full");
    expect(told).toEqual(["store netns-7 12"]);
    expect(pins.has("7")).toBe(false);
  });

  test("what is pinned by mounts is opened there, stored too, and never unmounted", () => {
    const { pins, told } = stored({}, { mounted: ["7"] });
    expect(pins.list()).toEqual(["7"]);
    expect(pins.path("7")).toBe("/pins/7");
    expect(pins.has("7")).toBe(false);
    expect(pins.pin("7", 12)).toBeNull();
    pins.unpin("7");
    expect(told).toEqual(["store netns-7 12", "barrier", "forget netns-7"]);
  });
});

describe("the service manager's store", () => {
  const log = () => undefined;

  test.each([
    [{}],
    [{ FDSTORE: "16" }],
    [{ NOTIFY_SOCKET: "/run/systemd/notify" }],
    [{ NOTIFY_SOCKET: "/run/systemd/notify", FDSTORE: "0" }],
    [{ NOTIFY_SOCKET: "/run/systemd/notify", FDSTORE: "many" }],
  ])("is not there with %p", (env) => {
    expect(fdStore(env, process.pid, log)).toBeNull();
  });

  test("is there where the manager names a socket and how much it holds", () => {
    const env = { NOTIFY_SOCKET: "/run/systemd/notify", FDSTORE: "16" };
    expect(fdStore(env, process.pid, log)).toEqual({ socket: "/run/systemd/notify", held: new Map() });
  });
});

test.each([
  ["netns-7452", "7452"],
  ["netns-", null],
  ["netns-7 ", null],
  ["stored", null],
  ["", null],
])("%p is the name of the namespace %p", (name, cookie) => {
  expect(cookieOf(name)).toBe(cookie);
});
