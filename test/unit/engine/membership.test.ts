import { describe, expect, test } from "bun:test";
import { RT_SCOPE_LINK } from "../../../src/domain/address.ts";
import { noPins } from "../../../src/engine/pins.ts";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addLink, deleteLink, type Link } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { addRoute } from "../../sim/model/routes.ts";
import { requestOf, routeOf, selectorOf } from "../domain/samples.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { addDevice, addProven, address, change, deviceIn, emptyMachine, startContainer } from "./host.ts";

// "…bridge membership, … as they were": of masters that take no port that is up (bond, team), lend it their MAC and
// MTU, or take it down and up (VRF).

const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];

interface Scene {
  readonly machine: Machine;
  readonly link: Link;
  readonly master: Link;
  readonly before: ReturnType<typeof pictureOf>;
  readonly own: string | null;
}

/** d0 is the second port of m0, with addresses and routes. */
function portOf(kind: "bond" | "team" | "vrf"): Scene {
  const machine = emptyMachine();
  const { world, home } = machine;
  const master = addLink(world, home, { name: "m0", kind, mtu: 1400, up: true });
  const first = addDevice(world, home, "hardware", "d1");
  change(world, first, { master: master.ifindex });
  const link = addDevice(world, home, "hardware", "d0");
  const own = link.mac;
  change(world, link, { master: master.ifindex, alias: "a port" });
  change(world, link, { up: true });
  if (kind === "bond") link.port.set("queue_id", 3);
  for (const one of [address("10.0.0.1", 24), address("2001:db8::1", 64), address("2001:db8::2", 64)]) {
    addProven(world, link, one);
  }
  addRoute(home, link, routeOf("10.9.0.0/24", { scope: RT_SCOPE_LINK, table: 77 }));
  addRoute(home, link, routeOf("10.8.0.0/24", { via: "10.0.0.9", source: "10.0.0.1", table: 77 }));
  addRoute(home, link, routeOf("2001:db8:f::/48", { via: "2001:db8::9", table: 77 }));
  return { machine, link, master, before: pictureOf(world, home), own };
}

test("whoever takes the port whose MAC a bond has is told of that", async () => {
  const { machine } = portOf("bond");
  using daemon = await startDaemon(machine, { mappings });
  const losses = (name: string) => {
    const requests = [requestOf({ match: selectorOf({ name }) })];
    const query = { requests, reserved: [], away: [], noteHardware: false, tellAll: true };
    return daemon.service.survey(null, query).picks.flatMap((pick) => pick.losses?.flat());
  };
  expect(losses("d1")).toEqual([expect.stringMatching(/^m0 has one port less, and goes on under its MAC/)]);
  expect(losses("d0")).toEqual(["m0 has one port less"]);
});

for (const kind of ["bond", "team", "vrf"] as const) {
  describe(`the port of a ${kind}`, () => {
    test("is inside with a MAC of its own, and home as the port that it was", async () => {
      const { machine, before, own } = portOf(kind);
      using daemon = await startDaemon(machine, { mappings });
      const container = startContainer(machine);
      const verdict = await daemon.engine.handle(attachEvent(machine, "c1", container));
      expect(verdict).toMatchObject({ outcome: "attached", error: null });
      expect(verdict.warnings.map(({ message }) => message)).toEqual(
        kind === "team" ? [expect.stringContaining("options as a port of its team")] : [],
      );
      expect(deviceIn(container.netns, "eth1")).toMatchObject({
        master: null,
        up: true,
        mac: own,
        mtu: kind === "vrf" ? 1500 : 1400,
      });
      kill(machine.world, container);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.log.filter((line) => line.startsWith("warning"))).toHaveLength(kind === "team" ? 1 : 0);
    });

    test("that was parted from it and is up at home is it again", async () => {
      const { machine, before, link } = portOf(kind);
      const { world, home } = machine;
      const first = await startDaemon(machine, { mappings, pins: () => noPins });
      const container = startContainer(machine);
      await first.engine.handle(attachEvent(machine, "c1", container));
      first[Symbol.dispose]();
      kill(world, container);
      expect(link.namespace).toBe(home);
      change(world, link, { up: true });
      addProven(world, link, address("10.0.0.1", 24));
      addProven(world, link, address("2001:db8::2", 64));
      using next = await startDaemon(machine, { mappings });
      await next.settle();
      expect(pictureOf(world, home)).toEqual(before);
    });

    test("is home without one that is no more, and that is told", async () => {
      const { machine, link, master, own } = portOf(kind);
      using daemon = await startDaemon(machine, { mappings });
      const container = startContainer(machine);
      await daemon.engine.handle(attachEvent(machine, "c1", container));
      deleteLink(machine.world, master);
      const verdict = await daemon.engine.handle(releaseEvent("c1"));
      expect(verdict.outcome).toBe("returned");
      expect(verdict.warnings.map(({ message }) => message).join()).toContain("master is none");
      expect(link).toMatchObject({ namespace: machine.home, name: "d0", up: true, mac: own });
    });
  });
}
