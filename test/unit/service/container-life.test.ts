import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerEvent, Target } from "../../../src/domain/event.ts";
import { type LifeLooks, LOOKS, lifeOf } from "../../../src/service/container-life.ts";

function eventOf(target: Target | null, writtenAt = Date.now()): ContainerEvent {
  return {
    type: "container",
    name: "e.json",
    id: "c1",
    status: "creating",
    target,
    bundle: null,
    annotations: {},
    writtenAt,
  };
}

function byPid(pid: number, writtenAt?: number): ContainerEvent {
  return eventOf({ by: "pid", pid }, writtenAt);
}

/** /proc/PID/stat of a process that started so many milliseconds after boot. */
function statOf(startedAt: number, state = "S"): string {
  const zeros = Array(18).fill(0).join(" ");
  return `4711 (a) b) ${state} ${zeros} ${startedAt / 10} 0 0\n`;
}

/** A machine that was booted 10,000 s ago. */
function looksAt(stat: () => string | null, changes: Partial<LifeLooks> = {}): LifeLooks {
  return { now: () => 2e9, uptime: () => 1e7, stat, namespace: () => null, ...changes };
}

describe("by its pid it lives", () => {
  test.each([
    ["as long as the process does", statOf(9e6), true],
    ["where that started at the moment of the event", statOf(1e7 - 990), true],
    [
      "not where the process started after the event was written: the pid is another's",
      statOf(1e7 - 900),
      false,
    ],
    ["not where the process has ended and nobody has taken notice", statOf(9e6, "Z"), false],
    ["not where there is no process", null, false],
  ])("%s", (_, stat, expected) => {
    expect(
      lifeOf(
        byPid(4711, 2e9 - 1000),
        looksAt(() => stat),
      )?.(),
    ).toBe(expected);
  });

  test("whoever sets the clock meanwhile", () => {
    let now = 2e9;
    let uptime = 1e7;
    const lives = lifeOf(
      byPid(4711, now - 1000),
      looksAt(() => statOf(1e7 - 5000), { now: () => now, uptime: () => uptime }),
    );
    now = 0;
    uptime += 1000;
    expect(lives?.()).toBe(true);
  });

  test("where that cannot be looked at just now", () => {
    const lives = lifeOf(
      byPid(4711),
      looksAt(() => {
        throw new Error("EMFILE");
      }),
    );
    expect(lives?.()).toBe(true);
  });

  test("a process of this machine", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    const lives = lifeOf(byPid(child.pid), LOOKS);
    // The same pid at a time when another had it.
    const another = lifeOf(byPid(child.pid, Date.now() - 10_000), LOOKS);
    expect([lives?.(), another?.()]).toEqual([true, false]);
    child.kill("SIGKILL");
    await child.exited;
    expect(lives?.()).toBe(false);
  });
});

describe("by its namespace it lives", () => {
  function link(): { readonly path: string; to(target: string): void } {
    const folder = mkdtempSync(join(tmpdir(), "netdevd-life-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "netns");
    symlinkSync("/proc/self/ns/net", path);
    return {
      path,
      to(target) {
        unlinkSync(path);
        symlinkSync(target, path);
      },
    };
  }

  test("as long as the path leads to that one", () => {
    const { path, to } = link();
    const lives = lifeOf(eventOf({ by: "netns", path }), LOOKS);
    expect(lives?.()).toBe(true);
    to("/proc/self/ns/uts");
    expect(lives?.()).toBe(false);
    to("/proc/self/ns/net");
    expect(lives?.()).toBe(true);
    to("/nowhere");
    expect(lives?.()).toBe(false);
  });

  test("and where it led to none from the start, nothing tells", () => {
    const { path, to } = link();
    writeFileSync(`${path}.file`, "");
    for (const target of ["/nowhere", `${path}.file`, "/proc/self/ns/net/deeper"]) {
      to(target);
      expect(lifeOf(eventOf({ by: "netns", path }), LOOKS)).toBeNull();
    }
  });
});

test("nothing tells of an event that names neither, or a pid that is no container's", () => {
  expect(lifeOf(eventOf(null), LOOKS)).toBeNull();
  expect(lifeOf({ type: "release", name: "r.json", id: "c1" }, LOOKS)).toBeNull();
  for (const pid of [0, 1]) expect(lifeOf(byPid(pid), LOOKS)).toBeNull();
});
