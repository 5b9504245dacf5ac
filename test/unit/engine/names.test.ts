import { describe, expect, test } from "bun:test";
import type { Kernel } from "../../../src/engine/kernel.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import {
  createFuse,
  isQuestion,
  type Refuser,
  refuseChange,
  refusingSystem,
} from "../../sim/model/faults.ts";
import { addLink } from "../../sim/model/links.ts";
import type { Namespace } from "../../sim/model/namespaces.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { attachEvent, mappingFor, stoppedEvent, type Wish } from "./events.ts";
import { addDevice, deviceIn, KINDS, type Kind, machineWith, startContainer } from "./host.ts";

// Names inside that are other devices' names at home, patterns, and names that are taken while a plan is under way.

/** Devices that trade their names: d0 is called as d1 is, and so on, and the last one as d0. */
const ringOf = (count: number): Wish[] =>
  Array.from({ length: count }, (_, at) => ({ match: { name: `d${at}` }, name: `d${(at + 1) % count}` }));

const ALTNAMES: Wish[] = [
  { match: { name: "d0" }, name: "d0-second" },
  { match: { name: "d1" }, name: "d0" },
  { match: { name: "d2" }, name: "d1-with-a-long" },
];

const trades: readonly [string, readonly Wish[], readonly Kind[]][] = [
  ["two", ringOf(2), ["veth", "hardware"]],
  ["two alike without a MAC", ringOf(2), ["tun", "tun"]],
  ["two alike that cannot have another MAC", ringOf(2), ["ifb", "ifb"]],
  ["three in a ring", ringOf(3), ["macvlan", "veth", "tap"]],
  ["three alike in a ring", ringOf(3), ["tun", "tun", "tun"]],
  ["one that takes its own altname, and one its name", ALTNAMES, ["veth", "tun", "ifb"]],
];

/** Which device is which inside, by the alias that each has. */
function whoIsWho(machine: Machine, namespace: Namespace): Record<string, string> {
  const seen = Object.values(pictureOf(machine.world, namespace));
  return Object.fromEntries(seen.map(({ device }) => [device.alias?.split(" ")[1] ?? "", device.name]));
}

function expected(wishes: readonly Wish[]): Record<string, string> {
  return Object.fromEntries(wishes.map(({ match, name }) => [match.name ?? "", name ?? ""]));
}

for (const [title, wishes, kinds] of trades) {
  describe(`${title} trade names`, () => {
    const mappings = [mappingFor("c1", ...wishes)];

    test("in, and home again", async () => {
      const machine = machineWith(...kinds);
      const { world, home } = machine;
      const before = pictureOf(world, home);
      using daemon = await startDaemon(machine, { mappings });
      const container = startContainer(machine);
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict).toMatchObject({ outcome: "attached", warnings: [] });
      expect(whoIsWho(machine, container.netns)).toEqual(expected(wishes));
      expect(await daemon.engine.handle(stoppedEvent(machine, "c1"))).toMatchObject({
        outcome: "returned",
        warnings: [],
      });
      expect(pictureOf(world, home)).toEqual(before);
    });

    test("undone at each step that the kernel may refuse", async () => {
      let steps = 0;
      for (;;) {
        const machine = machineWith(...kinds);
        const { world, home } = machine;
        const before = pictureOf(world, home);
        const container = startContainer(machine);
        const refuser = refuseChange(steps + 1, "ENOMEM");
        using daemon = await startDaemon(machine, {
          mappings,
          system: (own) => refusingSystem(own, refuser),
        });
        const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
        if (verdict.outcome === "attached") break;
        steps += 1;
        expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { code: "step-failed" } });
        expect({ steps, home: pictureOf(world, home) }).toEqual({ steps, home: before });
        expect(pictureOf(world, container.netns)).toEqual({});
      }
      expect(steps).toBeGreaterThan(kinds.length);
    });

    test("killed at each effect, all are home or all inside, each under its own name", async () => {
      let at = 1;
      for (; ; at++) {
        const machine = machineWith(...kinds);
        const { world, home } = machine;
        const before = pictureOf(world, home);
        const container = startContainer(machine);
        const fuse = createFuse(at);
        let died = false;
        {
          using daemon = await startDaemon(machine, { mappings, fuse });
          const event = attachEvent(machine, "c1", container);
          await Promise.race([daemon.engine.handle(event), fuse.burnt]);
          died = fuse.isBurnt;
        }
        using next = await startDaemon(machine, { mappings });
        await next.settle();
        if (next.engine.attachments().length === 0) {
          expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
        } else {
          expect(whoIsWho(machine, container.netns)).toEqual(expected(wishes));
        }
        kill(world, container);
        await next.settle();
        expect({ at, home: pictureOf(world, home) }).toEqual({ at, home: before });
        if (!died) break;
      }
      expect(at).toBeGreaterThan(8);
    });
  });
}

describe("a pattern", () => {
  test("leaves alone the names that others of its mapping are to have", async () => {
    const machine = machineWith("veth", "ifb", "tun");
    addAltname(deviceIn(machine.home, "d2"), "net1");
    const mappings = [
      mappingFor(
        "c1",
        { match: { name: "d0" }, name: "net%d" },
        { match: { name: "d1" }, name: "net0" },
        {
          match: { name: "d2" },
        },
      ),
    ];
    using daemon = await startDaemon(machine, { mappings });
    const container = startContainer(machine);
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
    expect(verdict.devices.map(({ name }) => name)).toEqual(["net2", "net0", "d2"]);
  });

  test("gives the first free number where the device's own name is taken inside, and numbers are altnames", async () => {
    const machine = machineWith("veth", "hardware", "ifb");
    const container = startContainer(machine);
    for (const [name, altname] of [
      ["d0", "net0"],
      ["net2", "x"],
      ["d1", "net3"],
    ] as const) {
      const other = addLink(machine.world, container.netns, { name, kind: "ifb" });
      addAltname(other, altname);
    }
    const mappings = [mappingFor("c1", { match: { name: "d?" }, count: "all", name: "net%d" })];
    using daemon = await startDaemon(machine, { mappings });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
    expect(verdict.devices.map(({ name }) => name)).toEqual(["net1", "net4", "net5"]);
  });
});

describe("a name that is taken inside when all was looked at", () => {
  /** A kernel before which somebody inside does something once, when `device` is about to be moved there. */
  const before =
    (device: string, act: () => void) =>
    (kernel: Kernel): Kernel => {
      let isDone = false;
      return {
        ...kernel,
        apply(...args) {
          if (!isDone && args[1].snapshot.device.name === device && args[1].place === "home") {
            isDone = true;
            act();
          }
          return kernel.apply(...args);
        },
      };
    };

  for (const kind of KINDS) {
    for (const [how, own] of [
      ["its own name is free there", false],
      ["its own name is taken there", true],
    ] as const) {
      test(`a pattern goes on to the next number: a ${kind}, and ${how}`, async () => {
        const machine = machineWith("hardware", kind, "ifb");
        const { world, home } = machine;
        const picture = pictureOf(world, home);
        const container = startContainer(machine);
        const takers = [...(own ? ["d1"] : []), "net1", "net2"];
        const mappings = [mappingFor("c1", { match: { name: "d?" }, count: "all", name: "net%d" })];
        using daemon = await startDaemon(machine, {
          mappings,
          kernel: before("d1", () => {
            for (const name of takers) addDevice(world, container.netns, "ifb", name);
          }),
        });
        const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
        expect(verdict).toMatchObject({ outcome: "attached", error: null });
        // net2 was d2's in the plan, and is taken as well by now.
        expect(verdict.devices.map(({ name }) => name)).toEqual(["net0", "net3", "net4"]);
        const inside = pictureOf(world, container.netns);
        expect(inside.net3?.device.alias).toBe("what d1 is for");
        expect(inside.net3?.addresses[0]?.label).toBe("net3:web");
        expect(Object.keys(inside).sort()).toEqual([...takers, "net0", "net3", "net4"].sort());
        kill(world, container);
        await daemon.settle();
        expect(pictureOf(world, home)).toEqual(picture);
      });
    }
  }

  test("a pattern is not gone on with for ever", async () => {
    const machine = machineWith("veth");
    const { world, home } = machine;
    const picture = pictureOf(world, home);
    const container = startContainer(machine);
    // Whatever is asked for has just been taken.
    const refuser: Refuser = (request) =>
      !isQuestion(request) && "d0" in pictureOf(world, home) ? "EEXIST" : null;
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", { match: { name: "d0" }, name: "net%d" })],
      system: (own) => refusingSystem(own, refuser),
    });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d0" } });
    expect(pictureOf(world, home)).toEqual(picture);
  });

  test("a fixed name fails, told in the kernel's words, and all is undone", async () => {
    const machine = machineWith("hardware", "veth", "ifb");
    const { world, home } = machine;
    const picture = pictureOf(world, home);
    const container = startContainer(machine);
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", ...ringOf(3))],
      kernel: before("d2", () => addDevice(world, container.netns, "ifb", "d0")),
    });
    const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
    expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d2" } });
    expect(verdict.error?.message).toMatch(/^d2: move inside: name d0.*EEXIST/);
    expect(pictureOf(world, home)).toEqual(picture);
    expect(Object.keys(pictureOf(world, container.netns))).toEqual(["d0"]);
  });
});

test("two containers of one namespace get different numbers of one pattern, also at the same time", async () => {
  const machine = machineWith("hardware", "veth", "ifb");
  const { world, home } = machine;
  const picture = pictureOf(world, home);
  const container = startContainer(machine);
  const beside = startContainer(machine, container);
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("c1", { match: { name: "d0" }, name: "net%d" }, { match: { name: "d1" }, name: "net%d" }),
      mappingFor("c2", { match: { name: "d2" }, name: "net%d" }),
    ],
  });
  const verdicts = await Promise.all([
    daemon.engine.handle(attachEvent(machine, "c1", container)),
    daemon.engine.handle(attachEvent(machine, "c2", beside)),
  ]);
  expect(verdicts.map(({ devices }) => devices.map(({ name }) => name))).toEqual([
    ["net0", "net1"],
    ["net2"],
  ]);
  kill(world, container);
  kill(world, beside);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(picture);
});

test("a name that another mapping's device is about to have inside is taken, before anything moves", async () => {
  const machine = machineWith("hardware", "veth", "ifb");
  const container = startContainer(machine);
  const beside = startContainer(machine, container);
  using daemon = await startDaemon(machine, {
    mappings: [
      mappingFor("c1", { match: { name: "d0" } }, { match: { name: "d1" }, name: "eth1" }),
      mappingFor("c2", { match: { name: "d2" }, name: "eth1" }),
    ],
  });
  const verdicts = await Promise.all([
    daemon.engine.handle(attachEvent(machine, "c1", container)),
    daemon.engine.handle(attachEvent(machine, "c2", beside)),
  ]);
  expect(verdicts[0]).toMatchObject({ outcome: "attached" });
  expect(verdicts[1]).toMatchObject({ outcome: "refused", error: { code: "name-taken", device: "d2" } });
});
