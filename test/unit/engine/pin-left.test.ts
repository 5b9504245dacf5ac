import { expect, test } from "bun:test";
import { SyscallError } from "../../../ffi/errno.ts";
import type { Pins } from "../../../src/engine/pins.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

// A pin that cannot be taken away keeps a dead container's namespace, and all that is in it: it is told once, and taken
// away as soon as that can be, unless it is needed again.

const EBUSY = 16;

const mappings = [mappingFor("c1", { match: { name: "d0" } })];

/** A machine whose d0 was in a container, and is home; the container's pin could not be taken away. */
async function leftPinned() {
  const machine = machineWith("veth");
  const before = pictureOf(machine.world, machine.home);
  const kernel = { refuses: true, asked: 0 };
  const pins = (own: Pins): Pins => ({
    ...own,
    unpin(cookie) {
      kernel.asked += 1;
      if (kernel.refuses) throw new SyscallError("umount2", EBUSY);
      own.unpin(cookie);
    },
  });
  const daemon = await startDaemon(machine, { mappings, pins });
  const container = startContainer(machine);
  const attach = () => daemon.engine.handle(attachEvent(machine, "c1", container));
  expect((await attach()).outcome).toBe("attached");
  expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  const pinned = () => machine.world.files.size;
  expect(pinned()).toBe(1);
  return { machine, before, kernel, daemon, container, attach, pinned };
}

test("it is taken away as soon as it can be, told once each way", async () => {
  const { machine, kernel, daemon, container, pinned } = await leftPinned();
  using _ = daemon;
  kill(machine.world, container);
  await daemon.retry();
  await daemon.retry();
  expect(kernel.asked).toBe(3);
  kernel.refuses = false;
  await daemon.retry();
  expect(pinned()).toBe(0);
  await daemon.retry();
  expect(kernel.asked).toBe(4);
  expect(daemon.log.filter((line) => line.includes("namespace"))).toEqual([
    expect.stringMatching(/^warning: namespace \d+ is held on, .*umount2.*tried again by itself/),
    expect.stringMatching(/^info: namespace \d+ is let go of$/),
  ]);
});

test("the namespace is held again meanwhile: the pin stays for as long as it is needed", async () => {
  const { machine, before, kernel, daemon, container, attach, pinned } = await leftPinned();
  expect((await attach()).outcome).toBe("attached");
  kernel.refuses = false;
  await daemon.retry();
  expect(pinned()).toBe(1);
  // Daemon and container die: the device lives by the pin alone.
  daemon[Symbol.dispose]();
  kill(machine.world, container);
  using next = await startDaemon(machine, { mappings });
  await next.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(pinned()).toBe(0);
});

test("held again and let go for good, nothing is left to take away", async () => {
  const { kernel, daemon, attach, pinned } = await leftPinned();
  using _ = daemon;
  expect((await attach()).outcome).toBe("attached");
  kernel.refuses = false;
  await daemon.engine.handle(releaseEvent("c1"));
  expect(pinned()).toBe(0);
  await daemon.retry();
  const { asked } = kernel;
  await daemon.retry();
  expect(kernel.asked).toBe(asked);
});

test("it stays for ever: the next daemon starts all the same, and the one after that takes it away", async () => {
  const { machine, daemon, container, pinned } = await leftPinned();
  daemon[Symbol.dispose]();
  kill(machine.world, container);
  const refusing = (own: Pins): Pins => ({
    ...own,
    unpin() {
      throw new SyscallError("umount2", EBUSY);
    },
  });
  {
    using next = await startDaemon(machine, { mappings, pins: refusing });
    const another = startContainer(machine);
    expect((await next.engine.handle(attachEvent(machine, "c1", another))).outcome).toBe("attached");
    expect((await next.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
  }
  expect(pinned()).toBe(2);
  using _ = await startDaemon(machine, { mappings });
  expect(pinned()).toBe(0);
});

test("however often a change is told, it is tried twice a second at most", async () => {
  const { kernel, daemon } = await leftPinned();
  using _ = daemon;
  await daemon.retry();
  const { asked } = kernel;
  for (let times = 0; times < 20; times++) await daemon.engine.retryStuck();
  expect(kernel.asked).toBe(asked);
});
