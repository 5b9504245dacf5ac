import { expect, test } from "bun:test";
import type { WayHomeEnd } from "../../../src/domain/way-home.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { move } from "../../sim/model/move.ts";
import { kill, spawn } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

// "What cannot be put back is told in status, log and history."

const BOTH = mappingFor("c*", { match: { name: "d0" } }, { match: { name: "d1" } });

async function daemonOn(machine: Machine) {
  const ends: WayHomeEnd[] = [];
  const daemon = await startDaemon(machine, {
    mappings: [BOTH],
    wayHomeEnded: (end) => ends.push(end),
  });
  return { ends, daemon };
}

test("each device that comes home is told, with what could not be put back", async () => {
  const machine = machineWith("veth", "tap");
  deviceIn(machine.home, "d1").multicasts.push("33:33:00:00:77:77");
  const { ends, daemon } = await daemonOn(machine);
  using _daemon = daemon;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  await daemon.engine.handle(attachEvent(machine, "c2", spawn(machine.world, container.netns)));
  expect(ends).toEqual([]);
  const { warnings } = await daemon.engine.handle(releaseEvent("c1"));
  expect(warnings).toMatchObject([{ code: "not-as-wanted", device: "d1" }]);
  const common = { container: "c1,c2", mapping: "for-c*", outcome: "home" } as const;
  expect(ends).toEqual([
    { ...common, device: "d0", warnings: [] },
    { ...common, device: "d1", warnings },
  ]);
});

test("one that is no more is told once, though another one is stuck and tried again", async () => {
  const machine = machineWith("ifb", "veth");
  const { ends, daemon } = await daemonOn(machine);
  using _daemon = daemon;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  deleteLink(machine.world, deviceIn(container.netns, "d0"));
  const other = addLink(machine.world, machine.home, { name: "d1", kind: "ifb" });
  kill(machine.world, container);
  await daemon.settle();
  await daemon.retry();
  const gone = {
    container: "c1",
    mapping: "for-c*",
    device: "d0",
    outcome: "gone",
    warnings: [{ code: "device-missing", message: expect.stringContaining("d0 is no more"), device: "d0" }],
  } as const;
  expect(ends).toEqual([gone]);
  deleteLink(machine.world, other);
  await daemon.retry();
  expect(ends).toMatchObject([gone, { device: "d1", outcome: "home", warnings: [] }]);
});

test("a card that comes home by itself is told when it does, and not again when its container ends", async () => {
  const machine = machineWith("hardware", "veth");
  const { ends, daemon } = await daemonOn(machine);
  using _daemon = daemon;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  move(machine.world, deviceIn(container.netns, "d0"), machine.home, null, 0);
  await daemon.engine.audit();
  const message = "d0 has left its container, which has not ended, and is home";
  const card = { device: "d0", outcome: "home", warnings: [{ code: "device-missing", message }] } as const;
  expect(ends).toMatchObject([card]);
  kill(machine.world, container);
  await daemon.settle();
  expect(ends).toMatchObject([card, { device: "d1", outcome: "home", warnings: [] }]);
});
