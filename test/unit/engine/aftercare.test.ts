import { describe, expect, test } from "bun:test";
import { AF_INET } from "../../../src/netlink/uapi.ts";
import { flush } from "../../sim/model/addresses.ts";
import type { Machine } from "../../sim/model/daemon.ts";
import { addLink, deleteLink, type Link } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { addAltname } from "../../sim/model/set-link.ts";
import { home } from "./come-home.ts";
import { attachEvent } from "./events.ts";
import { addProven, address, change, deviceIn, startContainer } from "./host.ts";

// udev and whoever configures the network act on a device that has come home: "a return is verified again after
// udev has settled, and mended within bounds".

test("a VF that was made anew in its place has never been away, and is left as it is", async () => {
  const { machine, d0, daemon, pass, warnings } = await home();
  using _ = daemon;
  const { parentBus, parentDev, pci, ifindex } = d0;
  deleteLink(machine.world, d0);
  const made = addLink(machine.world, machine.home, {
    ...{ name: "eth0", kind: null, ifindex: ifindex + 40, parentBus, parentDev, pci },
    permanentMac: "02:00:00:00:00:99",
    mac: "02:00:00:00:00:99",
  });
  await pass(12_000);
  expect(made).toMatchObject({ name: "eth0", mac: "02:00:00:00:00:99", mtu: 1500, alias: null, up: false });
  expect(warnings()).toEqual([]);
});

test("one that the kernel has sent home while its container lives is looked after as well", async () => {
  const { machine, before, daemon, pass } = await home();
  using _ = daemon;
  await pass(12_000);
  const { world } = machine;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c2", container));
  const nested = startContainer(machine);
  change(world, deviceIn(container.netns, "eth1"), { target: nested.netns });
  kill(world, nested);
  await daemon.engine.audit();
  expect(pictureOf(world, machine.home)).toEqual(before);
  change(world, deviceIn(machine.home, "d0"), { name: "lan0" });
  await pass(12_000);
  expect(pictureOf(world, machine.home)).toEqual(before);
});

for (const isManaged of [false, true]) {
  test(`whoever makes it the port of another master means it, managed: ${isManaged}`, async () => {
    const { machine, d0, daemon, others, pass, warnings } = await home();
    using _ = daemon;
    Object.assign(others, { isManaged, isSettled: isManaged });
    // A busy udev has not settled before that, or networkd still has it in hand.
    await pass(isManaged ? 500 : 2000);
    const vrf = addLink(machine.world, machine.home, { name: "vrf0", kind: "vrf", up: true });
    change(machine.world, d0, { master: vrf.ifindex });
    const before = pictureOf(machine.world, machine.home);
    others.isSettled = true;
    await pass(12_000);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(d0.master).toBe(vrf);
    expect(warnings()).toEqual([]);
  });
}

test("one that has been away again since is what it came home to the last time", async () => {
  const { machine, d0, daemon, others, pass, warnings } = await home();
  using _ = daemon;
  others.isManaged = true;
  await pass(1500);
  change(machine.world, d0, { mtu: 1300, alias: "another's by now" });
  const before = pictureOf(machine.world, machine.home);
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c2", container));
  kill(machine.world, container);
  await daemon.settle();
  await pass(12_000);
  expect(pictureOf(machine.world, machine.home)).toEqual(before);
  expect(warnings()).toEqual([]);
});

const deeds: readonly [string, (machine: Machine, link: Link) => void][] = [
  ["renames it", (at, link) => change(at.world, link, { name: "lan0" })],
  ["gives it another MAC", (at, link) => change(at.world, link, { mac: "02:00:00:00:00:77" })],
  ["gives it another MTU", (at, link) => change(at.world, link, { mtu: 1280 })],
  ["gives it an altname", (_, link) => addAltname(link, "enp0s1")],
  [
    "renames it, and its name is an altname now",
    (at, link) => {
      change(at.world, link, { name: "lan0" });
      addAltname(link, "d0");
    },
  ],
  [
    "renames it, of a kernel before 6.2, which renames no device that is up",
    (at, link) => {
      Object.assign(link.rules, { name: "while down" });
      change(at.world, link, { up: false });
      change(at.world, link, { name: "lan0" });
      change(at.world, link, { up: true });
    },
  ],
  ["takes its addresses away", (_, link) => flush(link)],
  ["takes it down", (at, link) => change(at.world, link, { up: false })],
];

describe("udev", () => {
  for (const [title, deed] of deeds) {
    test(`${title}: mended as soon as it has settled`, async () => {
      const { machine, daemon, before, d0, others, pass, warnings } = await home();
      using _ = daemon;
      others.isSettled = false;
      await pass(300);
      deed(machine, d0);
      await pass(300);
      expect(pictureOf(machine.world, machine.home)).not.toEqual(before);
      others.isSettled = true;
      await pass(200);
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(warnings()).toEqual([expect.stringMatching(/somebody else changed d0 .*; put back$/)]);
    });
  }

  test("sets it anew as soon as its name is put back: that is seen to, too", async () => {
    const { machine, daemon, before, d0, others, pass } = await home();
    using _ = daemon;
    others.isSettled = false;
    change(machine.world, d0, { name: "lan0" });
    others.isSettled = true;
    await pass(100);
    expect(d0.name).toBe("d0");
    change(machine.world, d0, { mtu: 1280 });
    await pass(200);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("never settles: that is not waited for without end", async () => {
    const { machine, daemon, before, d0, others, pass } = await home();
    using _ = daemon;
    others.isSettled = false;
    change(machine.world, d0, { name: "lan0" });
    await pass(6000);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("what is changed after that is somebody's wish", async () => {
    const { machine, daemon, d0, pass, warnings } = await home();
    using _ = daemon;
    await pass(500);
    change(machine.world, d0, { name: "lan0", mtu: 1300, up: false });
    await pass(20_000);
    expect(d0).toMatchObject({ name: "lan0", mtu: 1300, up: false });
    expect(warnings()).toEqual([]);
  });
});

describe("who configures the network", () => {
  test("takes addresses away and adds one: the former are put back, the latter stays", async () => {
    const { machine, daemon, before, d0, others, pass } = await home();
    using _ = daemon;
    others.isManaged = true;
    await pass(2000);
    flush(d0);
    addProven(machine.world, d0, address("192.0.2.77", 24));
    await pass(4000);
    const added = d0.addresses.inet.splice(0, 1);
    expect(added).toMatchObject([{ local: "192.0.2.77" }]);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("and who keeps undoing what is put back is let have it: twice is enough", async () => {
    const { machine, daemon, d0, others, pass, warnings } = await home();
    using _ = daemon;
    others.isManaged = true;
    for (let second = 0; second < 20; second++) {
      change(machine.world, d0, { mtu: 1300 });
      await pass(1000);
    }
    expect(d0.mtu).toBe(1300);
    expect(warnings().map((line) => line.split("; ")[1])).toEqual([
      "put back",
      "put back",
      "put back 2 times, and left so now",
    ]);
  });
});

test("a policy rule that is deleted is nobody's to put back, and that is not said", async () => {
  const { machine, daemon, others, pass, warnings } = await home((at) => {
    at.home.rules.push({ family: AF_INET, iif: "d0", oif: undefined, table: 77, priority: 100 });
  });
  using _ = daemon;
  others.isManaged = true;
  machine.home.rules.pop();
  await pass(12_000);
  expect(warnings()).toEqual([]);
});

test("a name that is another's by now is left alone", async () => {
  const { machine, daemon, d0, pass, warnings } = await home();
  using _ = daemon;
  change(machine.world, d0, { name: "lan0" });
  addLink(machine.world, machine.home, { name: "d0", kind: "dummy" });
  await pass(20_000);
  expect(d0.name).toBe("lan0");
  expect(warnings()).toEqual([expect.stringContaining("its name is another's by now")]);
});

test("a device that is taken again, or that is no more, is not looked after", async () => {
  const { machine, daemon, d0, others, pass, warnings } = await home();
  using _ = daemon;
  others.isManaged = true;
  others.isSettled = false;
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c2", container));
  change(machine.world, deviceIn(container.netns, "eth1"), { mtu: 1300 });
  await pass(20_000);
  expect(d0).toMatchObject({ name: "eth1", mtu: 1300 });
  kill(machine.world, container);
  await daemon.settle();
  deleteLink(machine.world, d0);
  await pass(20_000);
  expect(warnings()).toEqual([]);
});
