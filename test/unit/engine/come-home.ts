import { expect } from "bun:test";
import { type Daemon, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import type { Link } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { advance } from "../../sim/model/world.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { deviceIn, type Kind, machineWith, startContainer } from "./host.ts";

/** Where others act on a device that has just come home. */
export interface Scene {
  readonly machine: Machine;
  readonly daemon: Daemon;
  readonly d0: Link;
  readonly before: ReturnType<typeof pictureOf>;
  readonly others: { isSettled: boolean; isManaged: boolean };
  /** Lets time pass, and what the daemon does in it happen. */
  pass(milliseconds: number): Promise<void>;
  warnings(): string[];
}

/** A machine whose d0 has just come home. */
export async function home(
  furnishMore: (machine: Machine) => void = () => undefined,
  kind: Kind = "hardware",
): Promise<Scene> {
  const machine = machineWith(kind);
  furnishMore(machine);
  const before = pictureOf(machine.world, machine.home);
  const others = { isSettled: true, isManaged: false };
  const daemon = await startDaemon(machine, {
    mappings: [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })],
    others: { settled: () => others.isSettled, manages: () => others.isManaged },
  });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  kill(machine.world, container);
  await daemon.settle();
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  return {
    machine,
    daemon,
    before,
    others,
    d0: deviceIn(machine.home, "d0"),
    async pass(milliseconds) {
      for (let step = 0; step < milliseconds; step += 50) {
        advance(machine.world, 50);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    warnings: () => daemon.log.filter((line) => line.startsWith("warning")),
  };
}
