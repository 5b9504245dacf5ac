import { describe, expect, test } from "bun:test";
import { startDaemon } from "../../sim/model/daemon.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { addRoute } from "../../sim/model/routes.ts";
import { routeOf } from "../domain/samples.ts";
import { home } from "./come-home.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { addProven, address, change, deviceIn, KINDS, machineWith, startContainer } from "./host.ts";

// What others give a device at home, while netdevd still has it in hand, is theirs: an address, a default route of DHCP.

const LEASED = address("192.0.2.7", 24);
const RTPROT_DHCP = 16;
const DEFAULT = routeOf("0.0.0.0/0", { via: "192.0.2.1", metric: 1024, protocol: RTPROT_DHCP });

describe("of a device that is looked after", () => {
  for (const isManaged of [true, false]) {
    test(`an address and a route stay when something else is put back, managed: ${isManaged}`, async () => {
      const { machine, daemon, before, d0, others, pass, warnings } = await home();
      using _ = daemon;
      Object.assign(others, { isManaged, isSettled: isManaged });
      await pass(isManaged ? 500 : 300);
      addProven(machine.world, d0, LEASED);
      addRoute(machine.home, d0, DEFAULT);
      addRoute(machine.home, d0, routeOf("2001:db8:beef::/48", { via: "fe80::1", lifetime: 8 }));
      const given = pictureOf(machine.world, machine.home);
      change(machine.world, d0, { mtu: 1300 });
      others.isSettled = true;
      await pass(1500);
      expect(pictureOf(machine.world, machine.home)).toEqual(given);
      expect(given).not.toEqual(before);
      expect(warnings()).toEqual([expect.stringMatching(/its mtu .*; put back$/)]);
    });
  }

  // A tun has no MAC, and ifb's is its own for good.
  for (const kind of KINDS.filter((one) => one !== "tun" && one !== "ifb")) {
    for (const name of ["d0", "lan0"]) {
      test(`${kind}: another MAC is put back, called ${name} by then`, async () => {
        const { machine, daemon, before, d0, others, pass, warnings } = await home(undefined, kind);
        using _ = daemon;
        others.isSettled = false;
        await pass(300);
        change(machine.world, d0, { mac: "02:00:00:00:00:77", name });
        change(machine.world, d0, { mtu: 1300 });
        others.isSettled = true;
        await pass(200);
        expect(pictureOf(machine.world, machine.home)).toEqual(before);
        expect(warnings()).toEqual([expect.stringMatching(/ its mac .*; put back$/)]);
      });
    }
  }
});

describe("of one that is home under another name until its own is free", () => {
  for (const kind of KINDS) {
    test(`${kind}: an address, a route and all else that it is given stay, however often it is tried`, async () => {
      const machine = machineWith(kind);
      const before = pictureOf(machine.world, machine.home);
      using daemon = await startDaemon(machine, {
        mappings: [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })],
      });
      const container = startContainer(machine);
      await daemon.engine.handle(attachEvent(machine, "c1", container));
      const stranger = addLink(machine.world, machine.home, { name: "d0", kind: "dummy" });
      kill(machine.world, container);
      await daemon.settle();
      await daemon.retry();
      const link = deviceIn(machine.home, "netdevd0");
      addProven(machine.world, link, LEASED);
      addRoute(machine.home, link, DEFAULT);
      change(machine.world, link, { mtu: 1300 });
      const given = pictureOf(machine.world, machine.home);
      for (let round = 0; round < 3; round++) await daemon.retry();
      expect(pictureOf(machine.world, machine.home)).toEqual(given);
      deleteLink(machine.world, stranger);
      await daemon.retry();
      const after = pictureOf(machine.world, machine.home).d0;
      expect(after?.device).toEqual(before.d0?.device);
      expect(after?.addresses).toContainEqual(expect.objectContaining({ local: "192.0.2.7" }));
      expect(after?.addresses).toEqual(expect.arrayContaining([...(before.d0?.addresses ?? [])]));
      expect(after?.routes).toHaveLength((before.d0?.routes.length ?? 0) + 1);
      expect(daemon.engine.attachments()).toEqual([]);
    });
  }
});

test("of one that the kernel has sent home meanwhile nothing is kept that it was given under a name that is not its own", async () => {
  const machine = machineWith("hardware");
  const { world } = machine;
  const before = pictureOf(world, machine.home);
  const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];
  const container = startContainer(machine);
  {
    using daemon = await startDaemon(machine, { mappings });
    await daemon.engine.handle(attachEvent(machine, "c1", container));
  }
  change(world, deviceIn(container.netns, "eth1"), { name: "mine" });
  change(world, deviceIn(container.netns, "mine"), { target: machine.home });
  kill(world, container);
  const link = deviceIn(machine.home, "mine");
  change(world, link, { up: true });
  addProven(world, link, LEASED);
  addRoute(machine.home, link, DEFAULT);
  using next = await startDaemon(machine, { mappings });
  await next.settle();
  expect(pictureOf(world, machine.home)).toEqual(before);
});
