import { expect, test } from "bun:test";
import { addAddress } from "../../sim/model/addresses.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { refuseChange, refusingSystem } from "../../sim/model/faults.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { attachEvent, mappingFor, stoppedEvent, type Wish } from "./events.ts";
import { addDevice, address, change, deviceIn, emptyMachine, type Kind, startContainer } from "./host.ts";

// "When the verdict is there, no carried address is tentative."

const TENTATIVE = 0x40;
const DADFAILED = 0x08;
const LOCAL = "2001:db8::1";

/** d0 with an address that was added just now, attached to c1; how long that took, and what the address is. */
async function attached(
  kind: Kind,
  wish: Partial<Wish>,
  prepare: (machine: ReturnType<typeof emptyMachine>) => void = () => undefined,
) {
  const machine = emptyMachine();
  const { world, home } = machine;
  const d0 = addDevice(world, home, kind, "d0");
  change(world, d0, { up: true });
  addAddress(world, d0, address(LOCAL, 64), { exclusive: true, replace: false });
  prepare(machine);
  const daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" }, ...wish })],
  });
  const container = startContainer(machine);
  const start = world.now;
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
  const took = world.now - start;
  const inside = pictureOf(world, container.netns).d0?.addresses.find(({ local }) => local === LOCAL);
  return { machine, daemon, verdict, took, flags: inside?.flags ?? -1 };
}

for (const dad of ["keep", "wait"] as const) {
  test(`an address in doubt is waited for: dad = ${dad}`, async () => {
    const { daemon, verdict, took, flags } = await attached("veth", { dad });
    using _ = daemon;
    expect(verdict).toMatchObject({ outcome: "attached", warnings: [] });
    expect(flags & TENTATIVE).toBe(0);
    expect(took).toBeGreaterThanOrEqual(1000);
    expect(took).toBeLessThan(2500);
  });
}

test("an address in doubt is used at once: dad = skip", async () => {
  const { daemon, verdict, took, flags } = await attached("veth", { dad: "skip" });
  using _ = daemon;
  expect(verdict.warnings).toEqual([]);
  expect(flags & TENTATIVE).toBe(0);
  expect(took).toBe(0);
});

test("an address proven on the host is doubted inside where that is asked for, and else is not", async () => {
  for (const [dad, least] of [
    ["keep", 0],
    ["wait", 1000],
  ] as const) {
    const { daemon, took, flags } = await attached("veth", { dad }, ({ home }) => {
      for (const held of deviceIn(home, "d0").addresses.inet6) held.flags &= ~TENTATIVE;
    });
    using _ = daemon;
    expect(flags & TENTATIVE).toBe(0);
    expect(took).toBeGreaterThanOrEqual(least);
    if (least === 0) expect(took).toBe(0);
  }
});

test("without a carrier nothing is ever proven: the address is used all the same, and that is told", async () => {
  const { machine, daemon, verdict, took, flags } = await attached("tap", {}, ({ home }) => {
    deviceIn(home, "d0").carrier = false;
  });
  using _ = daemon;
  expect(verdict).toMatchObject({ outcome: "attached", warnings: [{ code: "not-as-wanted", device: "d0" }] });
  expect(verdict.warnings[0]?.message).toContain("no carrier");
  expect(flags & TENTATIVE).toBe(0);
  expect(took).toBeLessThan(2000);
  expect((await daemon.engine.handle(stoppedEvent(machine, "c1"))).outcome).toBe("returned");
});

test("an address that somebody else on the link has is told, and stays unusable", async () => {
  const { daemon, verdict, flags } = await attached("veth", {}, ({ home }) => {
    deviceIn(home, "d0").foreign.add(LOCAL);
  });
  using _ = daemon;
  expect(verdict).toMatchObject({ outcome: "attached", warnings: [{ code: "not-as-wanted", device: "d0" }] });
  expect(verdict.warnings[0]?.message).toContain("in use by another host");
  expect(flags & DADFAILED).toBe(DADFAILED);
});

test("an address that is lost on the way to being used unproven undoes the attach", async () => {
  const machine = emptyMachine();
  const { world, home } = machine;
  const d0 = addDevice(world, home, "veth", "d0");
  change(world, d0, { up: true });
  change(world, deviceIn(home, "d0-far"), { up: false });
  addAddress(world, d0, address(LOCAL, 64), { exclusive: true, replace: false });
  const before = pictureOf(world, home);
  // Moved with all that it has, and then taken off and added again.
  const refuser = refuseChange(4, "ENOMEM");
  using daemon = await startDaemon(machine, {
    mappings: [mappingFor("c1", { match: { name: "d0" } })],
    system: (system) => refusingSystem(system, refuser),
  });
  const verdict = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
  expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed" } });
  expect(pictureOf(world, home)).toEqual(before);
});
