import { expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { addLink, deleteLink, type Link } from "../../sim/model/links.ts";
import { move } from "../../sim/model/move.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { change, deviceIn, type Kind, machineWith, startContainer } from "./host.ts";

// A card may be unplugged inside, or moved on, while its container lives. "No device is ever lost": that is told.

const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];

async function attached(kind: Kind) {
  const machine = machineWith(kind);
  const before = pictureOf(machine.world, machine.home);
  const daemon = await startDaemon(machine, { mappings });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  const warnings = () => daemon.engine.attachments().flatMap((one) => one.warnings.map((w) => w.message));
  return { machine, before, daemon, container, warnings };
}

const MISSING =
  "d0 is neither in the container's namespace any more nor on the host: it may have been moved on or unplugged";
const LEFT = "d0 has left its container, which has not ended, and is home";

/** The same card in the same slot, as its driver finds it. */
function pluggedIn(link: Link): Partial<Link> {
  const { permanentMac, parentBus, parentDev } = link;
  return { mac: permanentMac, permanentMac, parentBus, parentDev };
}

test("unplugged inside: told once; plugged in again: home at once, as it was but for its number", async () => {
  const { machine, before, daemon, container, warnings } = await attached("hardware");
  using _ = daemon;
  const { world, home } = machine;
  await daemon.engine.audit();
  expect(warnings()).toEqual([]);
  const link = deviceIn(container.netns, "eth1");
  deleteLink(world, link);
  for (let times = 0; times < 3; times++) await daemon.engine.audit();
  expect(warnings()).toEqual([MISSING]);
  expect(daemon.log.filter((line) => line.includes(MISSING))).toHaveLength(1);

  addLink(world, home, { name: "eth0", kind: null, ifindex: 77, ...pluggedIn(link) });
  await daemon.engine.audit();
  expect(warnings()).toEqual([LEFT]);
  const wanted = JSON.parse(JSON.stringify(before.d0).replace(/"ifindex":\d+/, '"ifindex":77'));
  expect(pictureOf(world, home).d0).toEqual(wanted);
  expect(daemon.engine.attachments()).toMatchObject([{ state: "attached", devices: [{ state: "home" }] }]);

  // From here on it is the host's: what is done to it is not undone when the container ends.
  change(world, deviceIn(home, "d0"), { mtu: 1300 });
  kill(world, container);
  await daemon.settle();
  expect(daemon.engine.attachments()).toEqual([]);
  expect(deviceIn(home, "d0").mtu).toBe(1300);
});

test("plugged in again, and home at once, it is given to the next container", async () => {
  const { machine, daemon, container } = await attached("hardware");
  using _ = daemon;
  const { world, home } = machine;
  const link = deviceIn(container.netns, "eth1");
  deleteLink(world, link);
  addLink(world, home, { name: "eth0", kind: null, ifindex: 77, ...pluggedIn(link) });
  await daemon.engine.audit();
  kill(world, container);
  await daemon.settle();
  const next = startContainer(machine);
  // Of one that is taken to be still on its way home an attach waits for the end, for ever.
  const verdict = daemon.engine.handle(attachEvent(machine, "c2", next));
  expect((await verdict).outcome).toBe("attached");
});

test("moved on and back again: what was told is told no more", async () => {
  const { machine, before, daemon, container, warnings } = await attached("hardware");
  using _ = daemon;
  const { world, home } = machine;
  const nested = startContainer(machine);
  const link = deviceIn(container.netns, "eth1");
  move(world, link, nested.netns, null, 0);
  await daemon.engine.audit();
  expect(warnings()).toEqual([MISSING]);
  move(world, link, container.netns, null, 0);
  await daemon.engine.audit();
  expect(warnings()).toEqual([]);
  kill(world, container);
  await daemon.settle();
  expect(pictureOf(world, home)).toEqual(before);
});

test("moved on to a namespace that dies: home while its container lives", async () => {
  const { machine, before, daemon, container, warnings } = await attached("hardware");
  using _ = daemon;
  const nested = startContainer(machine);
  change(machine.world, deviceIn(container.netns, "eth1"), { target: nested.netns, name: "foreign" });
  kill(machine.world, nested);
  await daemon.engine.audit();
  expect(warnings()).toEqual([LEFT]);
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
});

test("sent home where an altname of its is another's by now: told, as whatever is not put back", async () => {
  const { machine, daemon, container, warnings } = await attached("hardware");
  using _ = daemon;
  const { world, home } = machine;
  const nested = startContainer(machine);
  move(world, deviceIn(container.netns, "eth1"), nested.netns, null, 0);
  addLink(world, home, { name: "d0-second", kind: "ifb" });
  kill(world, nested);
  await daemon.engine.audit();
  expect(warnings()).toEqual([expect.stringContaining("d0 is home, and its altname"), LEFT]);
  await daemon.engine.audit();
  expect(warnings()).toHaveLength(2);
});

test("sent home where its name is another's by now: told where it is, and home as it was when that is free", async () => {
  const { machine, before, daemon, container, warnings } = await attached("hardware");
  using _ = daemon;
  const { world, home } = machine;
  const nested = startContainer(machine);
  move(world, deviceIn(container.netns, "eth1"), nested.netns, null, 0);
  const stranger = addLink(world, home, { name: "d0", kind: "ifb" });
  kill(world, nested);
  for (let times = 0; times < 2; times++) {
    await daemon.engine.audit();
    expect(warnings()).toEqual([expect.stringContaining("d0 is home as ")]);
  }
  deleteLink(world, stranger);
  await daemon.engine.audit();
  expect(warnings()).toEqual([LEFT]);
  expect(pictureOf(world, home)).toEqual(before);
});

test("a virtual device that its container deletes is its own affair until it ends", async () => {
  const { machine, daemon, container, warnings } = await attached("veth");
  using _ = daemon;
  deleteLink(machine.world, deviceIn(container.netns, "eth1"));
  await daemon.engine.audit();
  expect(warnings()).toEqual([]);
});

for (const seen of [true, false]) {
  test(`one of two is home by itself when the daemon is started anew, seen by the last one: ${seen}`, async () => {
    const machine = machineWith("hardware", "veth");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    const both = [mappingFor("c*", { match: { name: "d[01]" }, count: "all", name: "eth%d" })];
    const container = startContainer(machine);
    {
      using daemon = await startDaemon(machine, { mappings: both });
      await daemon.engine.handle(attachEvent(machine, "c1", container));
      const nested = startContainer(machine);
      move(world, deviceIn(container.netns, "eth0"), nested.netns, null, 0);
      kill(world, nested);
      if (seen) await daemon.engine.audit();
    }
    using daemon = await startDaemon(machine, { mappings: both });
    await daemon.retry();
    // The container lives, and keeps the other one.
    expect(Array.from(container.netns.links.values(), ({ name }) => name)).toContain("eth1");
    expect(pictureOf(world, home).d0).toEqual(before.d0);
    expect(daemon.engine.attachments()).toMatchObject([
      { state: "attached", devices: [{ state: "home" }, { state: "inside" }] },
    ]);
    kill(world, container);
    await daemon.settle();
    expect(pictureOf(world, home)).toEqual(before);
    expect(daemon.engine.attachments()).toEqual([]);
  });
}
