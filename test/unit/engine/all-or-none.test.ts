import { describe, expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { isQuestion, type Refuser, refuseChange, refusingSystem } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import type { ErrnoCode } from "../../sim/model/refusal.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { attachEvent, mappingFor, stoppedEvent, type Wish } from "./events.ts";
import { addDevice, addProven, address, deviceIn, machineWith, startContainer } from "./host.ts";

// All devices of a container or none: when one step fails, the host is as it was.

const WISHES: readonly Wish[] = [
  { match: { name: "d0" }, name: "eth0", mtu: 1300 },
  { match: { name: "d1" }, name: "eth1", mac: "02:00:00:00:00:aa" },
  { match: { name: "d2" }, name: "eth2" },
];
const mappings = [mappingFor("c*", ...WISHES)];

/** An attach of three devices whose kernel refuses what `refuser` says, and one more when it says nothing. */
async function attachWith(refuser: Refuser) {
  const machine = machineWith("hardware", "veth", "macvlan");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  const neighbour = addDevice(world, container.netns, "ifb", "own");
  addProven(world, neighbour, address("192.0.2.1", 24));
  const inside = pictureOf(world, container.netns);
  let refused = 0;
  let isOver = true;
  const counted: Refuser = (request) => {
    const code = isOver ? null : refuser(request);
    if (code !== null) refused += 1;
    return code;
  };
  using daemon = await startDaemon(machine, { mappings, system: (own) => refusingSystem(own, counted) });
  const open = daemon.openCount();
  isOver = false;
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  isOver = true;
  if (refused > 0 && verdict.outcome !== "attached") {
    expect({ refused, home: pictureOf(world, home) }).toEqual({ refused, home: before });
    expect(pictureOf(world, container.netns)).toEqual(inside);
    expect(daemon.engine.attachments()).toEqual([]);
    expect(daemon.openCount()).toBe(open);
    expect(machine.world.files.size).toBe(0);
    // And the next one has them.
    expect((await daemon.engine.handle(attachEvent(machine, "c2", container))).outcome).toBe("attached");
  }
  await daemon.engine.handle(stoppedEvent(machine, verdict.outcome === "attached" ? "c1" : "c2"));
  expect(pictureOf(world, home)).toEqual(before);
  return { verdict, refused };
}

for (const code of ["EEXIST", "EINVAL", "ENOMEM", "EBUSY", "EPERM"] as const satisfies readonly ErrnoCode[]) {
  test(`none of three is taken when any one request is refused with ${code}`, async () => {
    let steps = 0;
    for (let number = 1; ; number++) {
      const { verdict, refused } = await attachWith(refuseChange(number, code));
      if (refused === 0) break;
      steps += 1;
      expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { code: "step-failed" } });
      expect(verdict.error?.message).toContain(code);
    }
    expect(steps).toBeGreaterThan(15);
  });
}

test("none of three is taken when any one question is refused", async () => {
  for (let number = 1; ; number++) {
    let questions = 0;
    const { verdict, refused } = await attachWith((request) => {
      if (!isQuestion(request)) return null;
      questions += 1;
      return questions === number ? "ENOMEM" : null;
    });
    if (refused === 0) break;
    if (verdict.outcome === "attached") continue;
    expect(["failed", "refused"]).toContain(verdict.outcome);
    expect(verdict.devices).toEqual([]);
  }
});

describe("what stands in the way of the second of three", () => {
  const cases: readonly [string, string, (container: ReturnType<typeof startContainer>) => void][] = [
    [
      "a device inside with its name",
      "name-taken",
      ({ netns }) => deviceIn(netns, "own").altnames.push("eth1"),
    ],
    [
      "a device inside with its altname",
      "name-taken",
      ({ netns }) => addAltname(deviceIn(netns, "own"), "d1-second"),
    ],
  ];
  for (const [title, code, prepare] of cases) {
    test(title, async () => {
      const machine = machineWith("hardware", "veth", "ifb");
      const { world, home } = machine;
      const before = pictureOf(world, home);
      using daemon = await startDaemon(machine, { mappings });
      const container = startContainer(machine);
      addDevice(world, container.netns, "ifb", "own");
      prepare(container);
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict).toMatchObject({ outcome: "refused", devices: [], error: { code, device: "d1" } });
      expect(pictureOf(world, home)).toEqual(before);
    });
  }

  test("its name inside is its old name's neighbour: moved and not renamed, it is found and brought back", async () => {
    const machine = machineWith("hardware", "veth", "ifb");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const container = startContainer(machine);
    using daemon = await startDaemon(machine, {
      mappings,
      // Once all was looked at, somebody inside takes the name.
      kernel: (kernel) => ({
        ...kernel,
        async apply(...args) {
          if (args[1].snapshot.device.name === "d1" && args[1].place === "home") {
            if (!("eth1" in pictureOf(world, container.netns)))
              addDevice(world, container.netns, "ifb", "eth1");
          }
          return kernel.apply(...args);
        },
      }),
    });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d1" } });
    expect(pictureOf(world, home)).toEqual(before);
    expect(Object.keys(pictureOf(world, container.netns))).toEqual(["eth1"]);
  });
});

test("a device that cannot be brought back is told as stuck, held, and home when it can", async () => {
  const machine = machineWith("hardware", "veth", "ifb");
  const { world, home } = machine;
  const before = pictureOf(world, home);
  const container = startContainer(machine);
  let isBroken = false;
  // The MAC is refused when d1 is inside already, and from then on nothing more is done to it.
  const refuser: Refuser = (request) => {
    if (isQuestion(request)) return null;
    if (world.files.size > 0 && "d1" in pictureOf(world, home)) return null;
    isBroken ||= true;
    return healed ? null : "EBUSY";
  };
  let healed = false;
  using daemon = await startDaemon(machine, { mappings, system: (own) => refusingSystem(own, refuser) });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  expect(isBroken).toBe(true);
  expect(verdict).toMatchObject({ outcome: "failed", error: { code: "stuck" } });
  expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck", error: { code: "stuck" } }]);
  kill(world, container);
  await daemon.settle();
  expect(world.namespaces).toHaveLength(2);
  healed = true;
  await daemon.retry();
  expect(pictureOf(world, home)).toEqual(before);
  expect(world.namespaces).toHaveLength(1);
});

test("a host that the system does not let be looked at is left alone, and that is told in the system's words", async () => {
  for (const at of [1, 2, 3]) {
    const machine = machineWith("veth");
    const before = pictureOf(machine.world, machine.home);
    let questions = 0;
    let isOn = false;
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", { match: { name: "d0" } })],
      system: (system) =>
        refusingSystem(system, (request) => {
          if (isOn && isQuestion(request)) questions += 1;
          return isOn && isQuestion(request) && questions === at ? "ENOMEM" : null;
        }),
    });
    const open = daemon.openCount();
    isOn = true;
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "system-error" } });
    expect(verdict.error?.message).toContain("ENOMEM: not enough memory");
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(daemon.openCount()).toBe(open);
  }
});
