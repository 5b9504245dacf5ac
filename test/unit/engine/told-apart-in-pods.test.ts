import { expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { deleteLink } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

// Devices that are alike, of containers that share a namespace, are not taken for one another.

const MAPPINGS = [
  mappingFor("c1", { match: { name: "d0" } }),
  mappingFor("c2", { match: { name: "d1" }, name: "d0" }),
];

for (const kind of ["veth", "tun"] as const) {
  for (const isOnRecord of [true, false]) {
    const then = isOnRecord ? "is on record as there" : "is there";
    test(`a ${kind} that is gone is not the one of another that ${then} under its name by now`, async () => {
      const machine = machineWith(kind, kind);
      const { world, home } = machine;
      const before = pictureOf(world, home);
      const first = startContainer(machine);
      const second = startContainer(machine, first);
      let moves = 0;
      let other: Promise<unknown> | null = null;
      const told = Promise.withResolvers<void>();
      using daemon = await startDaemon(machine, {
        mappings: MAPPINGS,
        kernel: (own) => ({
          ...own,
          async apply(...args) {
            moves += 1;
            if (moves === 1) deleteLink(world, deviceIn(home, "d0"));
            const applied = await own.apply(...args);
            if (moves === 2 && !isOnRecord) await told.promise;
            return applied;
          },
          async locate(...args) {
            // Between two looks for the one that is gone.
            const located = await own.locate(...args);
            other ??= daemon.engine.handle(attachEvent(machine, "c2", second));
            if (isOnRecord) await other;
            else while (moves < 2) await Promise.resolve();
            return located;
          },
        }),
      });
      const gone = await daemon.engine.handle(attachEvent(machine, "c1", first));
      told.resolve();
      expect(gone).toMatchObject({ outcome: "failed", warnings: [{ code: "device-missing", device: "d0" }] });
      expect(await Promise.resolve(other)).toMatchObject({
        outcome: "attached",
        devices: [{ host_name: "d1" }],
      });
      await daemon.settle();
      expect(Object.keys(pictureOf(world, first.netns))).toEqual(["d0"]);
      kill(world, first);
      kill(world, second);
      await daemon.settle();
      expect(pictureOf(world, home)).toMatchObject({ d1: before.d1 ?? {} });
      expect(daemon.engine.attachments()).toEqual([]);
    });
  }
}
