import { expect, test } from "bun:test";
import { ifinfomsg } from "../../../src/netlink/link.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { isQuestion, type Refuser, refusingSystem } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { advance } from "../../sim/model/world.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

// The way home of n devices waits on nothing but the kernel, and one that is stuck holds up no other.

const KINDS = ["veth", "ifb", "tap", "macvlan", "veth", "ifb", "tun", "veth"] as const;

const mappings = [
  mappingFor("c1", { match: { name: "d[0-4]" }, count: "all", name: "net%d" }),
  mappingFor("c2", { match: { name: "d[5-7]" }, count: "all" }),
];

function ifindexOf({ payload }: Message): number {
  return ifinfomsg.decode(new DataView(payload.buffer, payload.byteOffset), 0).ifi_index;
}

for (const stuck of ["d0", "d2", "d4"]) {
  test(`${stuck} refuses to be moved for ever: the others are home at once`, async () => {
    const machine = machineWith(...KINDS);
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const { ifindex } = deviceIn(home, stuck);
    /** All but it and its peer, which tells that it is away. */
    const others = (picture = pictureOf(world, home)) =>
      Object.fromEntries(
        Object.entries(picture).filter(([name]) => name !== stuck && name !== `${stuck}-far`),
      );
    const expected = others(before);
    let refuses = false;
    let asked = 0;
    const refuser: Refuser = (request) => {
      if (!refuses || request.type !== RTM_NEWLINK || ifindexOf(request) !== ifindex) return null;
      asked += 1;
      return "EBUSY";
    };
    using daemon = await startDaemon(machine, {
      mappings,
      system: (system) => refusingSystem(system, refuser),
    });
    const first = startContainer(machine);
    const second = startContainer(machine);
    expect((await daemon.engine.handle(attachEvent(machine, "c1", first))).outcome).toBe("attached");
    expect((await daemon.engine.handle(attachEvent(machine, "c2", second))).outcome).toBe("attached");

    refuses = true;
    const begun = world.now;
    kill(world, first);
    kill(world, second);
    await daemon.settle();
    // The clock of the model goes on while somebody sleeps, and only then.
    expect(world.now).toBe(begun);
    expect(others()).toEqual(expected);
    expect(daemon.engine.attachments()).toMatchObject([
      { state: "stuck", error: { code: "stuck", device: stuck } },
    ]);
    expect(daemon.log.filter((line) => line.startsWith("error"))).toHaveLength(1);

    // Tried again in vain: the others are not touched any more, and it is not asked for more than a few times.
    asked = 0;
    await daemon.retry();
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(10);
    expect(others()).toEqual(expected);
    refuses = false;
    await daemon.retry();
    expect(pictureOf(world, home)).toEqual(before);
    expect(daemon.engine.attachments()).toEqual([]);
  });
}

/** A machine whose d0 is stuck, tried just now, and how often it has been asked for anything since. */
async function stuck() {
  const machine = machineWith("veth");
  const before = pictureOf(machine.world, machine.home);
  const kernel = { refuses: false, asked: 0 };
  const daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } })],
    system: (system) =>
      refusingSystem(system, (request) => {
        if (!kernel.refuses || isQuestion(request)) return null;
        kernel.asked += 1;
        return "EBUSY";
      }),
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  kernel.refuses = true;
  kill(machine.world, container);
  await daemon.settle();
  await daemon.retry();
  expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck" }]);
  return { machine, before, kernel, daemon };
}

test("what was in its way goes a moment after it was tried: it is home a moment later", async () => {
  const { machine, before, kernel, daemon } = await stuck();
  using _ = daemon;
  kernel.refuses = false;
  advance(machine.world, 20);
  await daemon.engine.retryStuck();
  expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck" }]);
  advance(machine.world, 480);
  await daemon.settle();
  expect(daemon.engine.attachments()).toEqual([]);
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("however often a change is told, it is tried twice a second at most", async () => {
  const { machine, kernel, daemon } = await stuck();
  using _ = daemon;
  let tries = 0;
  for (let passed = 0; passed < 10_000; passed += 20) {
    const { asked } = kernel;
    await daemon.engine.retryStuck();
    advance(machine.world, 20);
    await daemon.settle();
    if (kernel.asked > asked) tries += 1;
  }
  expect(tries).toBeWithin(15, 21);
});

test("set back by an hour, the clock keeps nobody from trying again", async () => {
  const { machine, before, kernel, daemon } = await stuck();
  using _ = daemon;
  machine.world.bootedAt -= 3_600_000;
  kernel.refuses = false;
  await daemon.retry();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(daemon.engine.attachments()).toEqual([]);
});
