import { describe, expect, test } from "bun:test";
import type { Target } from "../../../src/domain/event.ts";
import { examine } from "../../../src/engine/target.ts";
import { addNamespace } from "../../sim/model/lifetime.ts";
import { kill, reap, spawn } from "../../sim/model/processes.ts";
import { randomFrom } from "../../sim/model/random.ts";
import { createSystem, type ModelSystem } from "../../sim/model/system.ts";
import { advance, createWorld } from "../../sim/model/world.ts";

/** A process in a namespace of its own, and whoever looks at it. */
function scene() {
  const world = createWorld(randomFrom(1));
  const home = addNamespace(world);
  const system = createSystem(world, home);
  const container = spawn(world, addNamespace(world));
  return { world, home, system, container, now: () => world.now };
}

/** The code of a refusal, after which nothing may be left open; "ok" where there is none. */
function verdictOn(system: ModelSystem, target: Target, writtenAt: number): string {
  const open = system.openCount;
  const examined = examine(system, target, writtenAt);
  if (!examined.ok) {
    expect(system.openCount).toBe(open);
    return examined.problem.code;
  }
  expect(system.openCount).toBe(open + (examined.process === null ? 1 : 2));
  return "ok";
}

describe("a pid", () => {
  test("of a living process: its pidfd, its namespace, its start", () => {
    const { world, system, container, now } = scene();
    const examined = examine(system, { by: "pid", pid: container.pid }, now());
    if (!examined.ok) throw new Error(examined.problem.message);
    expect(examined.process?.startTime).toBe(container.startTime);
    expect(examined.text).toBe(`process ${container.pid}`);
    using socket = system.enter(examined.namespace);
    expect(socket.cookie()).toBe(String(container.namespace?.cookie));
    expect(system.hasExited(examined.process?.pidfd ?? -1)).toBe(false);
    kill(world, container);
    expect(system.hasExited(examined.process?.pidfd ?? -1)).toBe(true);
  });

  for (const pid of [0, 1, -1]) {
    test(`${pid} is not allowed`, () => {
      const { system, now } = scene();
      expect(verdictOn(system, { by: "pid", pid }, now())).toBe("pid-not-allowed");
    });
  }

  test("of nobody, of a zombie, of a thread", () => {
    const { world, system, container, now } = scene();
    expect(verdictOn(system, { by: "pid", pid: 4711 }, now())).toBe("process-gone");
    const thread = spawn(world, addNamespace(world), { isThread: true });
    expect(verdictOn(system, { by: "pid", pid: thread.pid }, now())).toBe("process-gone");
    kill(world, container);
    expect(verdictOn(system, { by: "pid", pid: container.pid }, now())).toBe("process-gone");
  });

  test("whose process ends between any two looks", () => {
    for (const moment of ["openPidfd", "startTime", "open"] as const) {
      const { world, system, container, now } = scene();
      const dying = {
        ...system,
        [moment](subject: never) {
          const result = system[moment](subject);
          reap(world, container);
          return result;
        },
      };
      const open = system.openCount;
      const examined = examine(dying, { by: "pid", pid: container.pid }, now());
      expect(examined.ok ? "ok" : examined.problem.code).toBe("process-gone");
      expect(system.openCount).toBe(open);
    }
  });

  test("that another process has by now", () => {
    const { world, system, container, now } = scene();
    const writtenAt = now();
    reap(world, container);
    advance(world, 1000);
    spawn(world, addNamespace(world), { pid: container.pid });
    expect(verdictOn(system, { by: "pid", pid: container.pid }, writtenAt)).toBe("pid-reused");
    expect(verdictOn(system, { by: "pid", pid: container.pid }, now())).toBe("ok");
  });

  test("of a process that was started in the very tick of the event is not doubted", () => {
    const { world, system, now } = scene();
    for (const late of [0, 5, 10]) {
      const writtenAt = now();
      advance(world, late);
      const { pid } = spawn(world, addNamespace(world));
      expect(verdictOn(system, { by: "pid", pid }, writtenAt)).toBe("ok");
    }
    const writtenAt = now();
    advance(world, 50);
    const { pid } = spawn(world, addNamespace(world));
    expect(verdictOn(system, { by: "pid", pid }, writtenAt)).toBe("pid-reused");
  });

  test("of a process that has been there for long is judged by the clock of the boot", () => {
    const { world, system, container, now } = scene();
    advance(world, 86_400_000);
    expect(verdictOn(system, { by: "pid", pid: container.pid }, now() - 3_600_000)).toBe("ok");
  });
});

describe("a path", () => {
  test("of a namespace", () => {
    const { world, system, now } = scene();
    const netns = addNamespace(world);
    netns.holds = 1;
    world.files.set("/run/netns/c1", netns);
    expect(verdictOn(system, { by: "netns", path: "/run/netns/c1" }, now())).toBe("ok");
  });

  test("of a process's namespace", () => {
    const { system, container, now } = scene();
    expect(verdictOn(system, { by: "netns", path: `/proc/${container.pid}/ns/net` }, now())).toBe("ok");
  });

  test("of nothing, of a zombie's, of any other file", () => {
    const { world, system, container, now } = scene();
    world.files.set("/etc/passwd", null);
    kill(world, container);
    for (const path of ["/run/netns/none", `/proc/${container.pid}/ns/net`, "/etc/passwd", ""]) {
      expect(verdictOn(system, { by: "netns", path }, now())).toBe("not-a-namespace");
    }
  });
});
