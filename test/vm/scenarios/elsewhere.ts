import { expect } from "bun:test";
import { furnish } from "../../helpers/devices.ts";
import { Lab } from "../../helpers/lab.ts";
import { until } from "../../helpers/until.ts";
import { attachNic, furnishedNic, lookedAfter, moveOn, stuck } from "../attached.ts";
import { DRIVERS, freshNic, rescan, rowOf, settle, unplug } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// Where a card may be when it is in neither of the two namespaces that netdevd looks at.

const movedOn = DRIVERS.flatMap((driver) => [
  scenario(
    `${driver}: moved on to a namespace that lives, renamed and re-MACed: followed there`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      const container = await attachNic(lab, nic);
      const nested = await moveOn(lab, container);
      await nested.netns.ip("link set eth1 name foreign", "link set foreign address 02:00:00:00:00:78");
      await container.kill();
      await lab.daemon.empty();
      await settle();
      expect(await lab.host.device(nic.name)).toEqual(before);
    },
  ),
  scenario(
    `${driver}: moved on to a namespace that dies, renamed and re-MACed: known on the host`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      const container = await attachNic(lab, nic);
      const nested = await moveOn(lab, container);
      await nested.netns.ip("link set eth1 name foreign", "link set foreign address 02:00:00:00:00:78");
      await nested.kill();
      await until(`${nic.name} to be home`, async () => (await lab.host.names()).includes(nic.name));
      await container.kill();
      await lab.daemon.empty();
      await settle();
      expect(await lab.host.device(nic.name)).toEqual(before);
    },
  ),
]);

const leftAlive = DRIVERS.map((driver) =>
  scenario(
    `${driver}: unplugged while its container lives: told; plugged in again: home at once`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      const container = await attachNic(lab, nic);
      const warnings = async () => JSON.stringify((await lab.daemon.status()).containers[0]?.warnings);
      unplug(nic);
      await until(`${nic.name} to be told as missing`, async () =>
        (await warnings())?.includes(
          `${nic.name} is neither in the container's namespace any more nor on the host`,
        ),
      );
      await rescan();
      await until(`${nic.name} to be home`, async () =>
        (await warnings())?.includes(`${nic.name} has left its container, which has not ended, and is home`),
      );
      await settle();
      const { ifindex, ...after } = await lab.host.device(nic.name);
      expect({ ...after, ifindex: before.ifindex }).toEqual(before);
      expect((await lab.daemon.status()).containers).toMatchObject([{ id: "c1", state: "attached" }]);
      await container.kill();
      await lab.daemon.empty();
      expect(await lab.host.device(nic.name)).toEqual({ ...after, ifindex });
    },
  ),
);

const unplugged = DRIVERS.map((driver) =>
  scenario(
    `${driver}: unplugged while inside: told; plugged in again: known by its place, and home`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      const container = await attachNic(lab, nic);
      unplug(nic);
      await until(`${nic.name} to be gone`, async () => !(await container.netns.names()).includes("eth1"));
      await container.kill();
      const told = await stuck(lab);
      expect(told).toContain(nic.name);
      expect(told).toContain("unplugged");
      expect((await lab.daemon.get("/readyz")).status).toBe(503);
      await rescan();
      await lab.daemon.empty();
      await settle();
      const { ifindex, ...after } = await lab.host.device(nic.name);
      expect({ ...after, ifindex: before.ifindex }).toEqual(before);
      expect((await lab.daemon.get("/readyz")).status).toBe(200);
    },
  ),
);

/** The two of a kind come back as each other's virtio0 and virtio1. */
const swapped = scenario(
  "virtio_net: two unplugged, plugged in again the other way round: each has its own",
  async (lab) => {
    const one = await furnishedNic(lab, "virtio_net", 0);
    const two = await furnishedNic(lab, "virtio_net", 1);
    await attachNic(lab, one.nic);
    unplug(one.nic);
    unplug(two.nic);
    await rescan();
    expect(await rowOf(lab, one.nic)).toMatchObject({ ifname: one.nic.name });
    await lab.netdevd("release", "--all");
    await lab.daemon.empty();
    await settle();
    const { ifindex, rest, ...after } = await lab.host.device(one.nic.name);
    expect({ ...after }).toEqual({ ...one.before, ifindex: undefined, rest: undefined } as never);
  },
);

/** Each time at another moment: before, in and after the move. */
const whileMoving = scenario(
  "e1000e: unplugged while it is being moved: told, and whole again after",
  async (lab) => {
    for (let round = 0; round < 6; round++) {
      await lookedAfter(lab);
      const { nic, before } = await furnishedNic(lab, "e1000e");
      if (!lab.isRunning()) await (await attachNic(lab, nic, "c0")).kill();
      await lab.daemon.empty();
      const container = await lab.container();
      const name = lab.drop({ id: `c${round + 1}`, status: "creating", pid: container.pid });
      await Bun.sleep(round * 15);
      unplug(nic);
      const { outcome, error } = await lab.verdict(name);
      expect(["attached", "failed", "refused"]).toContain(outcome);
      if (outcome !== "attached") expect(error?.message).toContain(nic.name);
      await container.kill();
      await rescan();
      await lab.daemon.empty();
      expect(await lab.host.device(nic.name)).toMatchObject({ mac: nic.mac, name: nic.name });
      expect(before.mac).toBe(nic.mac);
    }
  },
);

/** What the kernel sends to init_net has not come home yet where netdevd was started in another namespace. */
const homeElsewhere = scenario(
  "e1000e: home is not init_net, to which the kernel sends it: fetched from there",
  async (own) => {
    const nic = await freshNic(own, "e1000e");
    await using lab = await Lab.create();
    await own.host.ip(`link set ${nic.name} netns ${lab.hostPid}`);
    await lab.host.ip(...furnish(nic.name));
    const before = await lab.host.device(nic.name);
    const container = await attachNic(lab, nic);
    await lab.daemon.end("SIGKILL");
    await lab.unpin();
    await container.netns.ip("link set eth1 down", "link set eth1 address 02:00:00:00:00:79");
    await container.kill();
    await until("it to be in init_net", async () => (await own.host.names()).includes("eth1"));
    await settle();
    await lab.start();
    await lab.daemon.empty();
    expect(await lab.host.device(nic.name)).toEqual(before);
  },
);

export const ELSEWHERE: readonly Scenario[] = [
  ...movedOn,
  ...unplugged,
  ...leftAlive,
  homeElsewhere,
  swapped,
  whileMoving,
];
