import { describe, expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { KINDS, machineWith, startContainer } from "./host.ts";

describe("a device goes inside with all it has, and comes home with all it had", () => {
  for (const kind of KINDS) {
    test(kind, async () => {
      const machine = machineWith(kind);
      const { world, home } = machine;
      const before = pictureOf(world, home);
      const mapping = mappingFor("c1", { match: { name: "d0" }, name: "eth1" });
      using daemon = await startDaemon(machine, { mappings: [mapping] });
      const container = startContainer(machine);
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict).toMatchObject({ outcome: "attached", warnings: [], error: null });
      const inside = pictureOf(world, container.netns).eth1;
      const was = before.d0;
      expect(inside?.device).toMatchObject({
        up: true,
        mtu: was?.device.mtu,
        mac: was?.device.mac,
        alias: was?.device.alias,
        altnames: was?.device.altnames,
      });
      const strip = (a: any) => ({ ...a, label: a.label?.replace("d0", "eth1") ?? null });
      expect(inside?.addresses).toEqual(was?.addresses.map(strip) ?? []);
      expect(pictureOf(world, home)).not.toHaveProperty("d0");
      kill(world, container);
      await daemon.settle();
      expect(pictureOf(world, home)).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
      expect(world.namespaces).toHaveLength(1);
    });
  }
});
