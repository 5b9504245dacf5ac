import { expect, test } from "bun:test";
import { type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { addLink } from "../../sim/model/links.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { attachEvent, mappingFor, type Wish } from "./events.ts";
import { change, deviceIn, machineWith, startContainer } from "./host.ts";

// A vxlan is destroyed when the device that it is built on leaves (vxlan_handle_lowerdev_unregister()). One that is
// to come home is not to end like that, whatever `force` lifts.

const vxlan: Wish = { match: { name: "d0" }, name: "eth0" };
const lower: Wish = { match: { name: "d0-low" }, name: "eth1", force: true };

async function handOut(machine: Machine, ...mappings: readonly (readonly Wish[])[]) {
  const daemon = await startDaemon(machine, {
    mappings: mappings.map((wishes, at) => mappingFor(`c${at}`, ...wishes)),
  });
  const container = startContainer(machine);
  const verdicts = [];
  for (const at of mappings.keys())
    verdicts.push(await daemon.engine.handle(attachEvent(machine, `c${at}`, container)));
  return { daemon, container, verdicts };
}

for (const wishes of [
  [vxlan, lower],
  [lower, vxlan],
]) {
  test(`neither of ${wishes.map(({ match }) => match.name).join(" and ")} is taken by one mapping that takes both`, async () => {
    const machine = machineWith("vxlan");
    const before = pictureOf(machine.world, machine.home);
    const { daemon, verdicts } = await handOut(machine, wishes);
    using _ = daemon;
    expect(verdicts).toMatchObject([{ outcome: "refused", error: { code: "device-guarded" } }]);
    expect(verdicts[0]?.error?.message).toContain("destroyed when");
    expect(verdicts[0]?.error?.message).not.toContain("force");
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });
}

test("what a vxlan that is in a container is built on stays", async () => {
  const machine = machineWith("vxlan");
  const { daemon, container, verdicts } = await handOut(machine, [vxlan], [lower]);
  using _ = daemon;
  expect(verdicts).toMatchObject([
    { outcome: "attached" },
    { outcome: "refused", error: { code: "device-guarded", device: "d0-low" } },
  ]);
  expect(Object.keys(pictureOf(machine.world, container.netns))).toEqual(["eth0"]);
});

test("a mapping that takes all leaves what its vxlan is built on, whatever it is called", async () => {
  const machine = machineWith("vxlan");
  change(machine.world, deviceIn(machine.home, "d0"), { up: false });
  change(machine.world, deviceIn(machine.home, "d0"), { name: "z0" });
  const { daemon, verdicts } = await handOut(machine, [{ match: { kind: "v*" }, count: "all", force: true }]);
  using _ = daemon;
  expect(verdicts[0]?.devices.map(({ host_name }) => host_name)).toEqual(["d0-far", "z0"]);
});

test("what only waits for its return holds up nobody", async () => {
  const machine = machineWith("macvlan");
  const { daemon, container, verdicts } = await handOut(machine, [vxlan], [lower]);
  using _ = daemon;
  expect(verdicts).toMatchObject([{ outcome: "attached" }, { outcome: "attached" }]);
  expect(Object.keys(pictureOf(machine.world, container.netns)).toSorted()).toEqual(["eth0", "eth1"]);
});

test("the vxlan of the host is the host's to give up", async () => {
  const machine = machineWith("vxlan");
  addLink(machine.world, machine.home, {
    name: "vx1",
    kind: "vxlan",
    lower: deviceIn(machine.home, "d0-low"),
  });
  const { daemon, verdicts } = await handOut(machine, [lower]);
  using _ = daemon;
  expect(verdicts).toMatchObject([{ outcome: "attached" }]);
});
