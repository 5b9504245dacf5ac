import { expect, test } from "bun:test";
import type { NamespaceSocket, System } from "../../../src/engine/system.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { deleteLink } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

// A card may be unplugged at any time: between two questions about it too.

/** `system` with `act` called before each datagram that is sent at home. */
function spied(system: System, act: () => void): System {
  const spy = (socket: NamespaceSocket): NamespaceSocket => ({
    ...socket,
    cookie: () => socket.cookie(),
    receive: () => socket.receive(),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
    send(datagram) {
      act();
      socket.send(datagram);
    },
  });
  return { ...system, home: () => spy(system.home()) };
}

test("unplugged at any point of an attach it is told as missing, and the rest is as it was", async () => {
  const seen = new Set<string | undefined>();
  for (let at = 1; at < 30; at++) {
    const machine = machineWith("hardware", "veth");
    const { world, home } = machine;
    const before = pictureOf(world, home);
    let left = Number.POSITIVE_INFINITY;
    const wishes = [{ match: { name: "d1" } }, { match: { name: "d0" }, name: "eth1" }];
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("c1", ...wishes)],
      system: (system) =>
        spied(system, () => {
          left -= 1;
          if (left === 0) deleteLink(world, deviceIn(home, "d0"));
        }),
    });
    const container = startContainer(machine);
    left = at;
    const { outcome, error } = await daemon.engine.handle(attachEvent(machine, "c1", container));
    await daemon.settle();
    seen.add(error?.code);
    if (outcome === "attached") continue;
    expect({ at, code: error?.code, message: error?.message }).toEqual({
      at,
      code: expect.not.stringContaining("internal"),
      message: expect.stringContaining("d0"),
    });
    const { d0: _, ...rest } = before;
    expect(pictureOf(world, home)).toEqual(rest);
  }
  expect(seen).toContain("device-missing");
});
