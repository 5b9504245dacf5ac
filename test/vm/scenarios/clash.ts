import { expect } from "bun:test";
import { until } from "../../helpers/until.ts";
import { attachNic, furnishedNic, moveOn, stuck } from "../attached.ts";
import { DRIVERS, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "The same device, under its own name": whoever has that name meanwhile, and whatever udev makes of it.

const TAKEN = {
  name: (name: string) => [`link add ${name} type dummy`],
  // Up, for the kernel tells nobody of an altname that a device which is down is given (netdev_state_change()).
  altname: (name: string) => [
    "link add other type dummy",
    "link set other up",
    `link property add dev other altname ${name}`,
  ],
} as const;

const taken = (
  [
    ["virtio_net", "name"],
    ["e1000e", "altname"],
  ] as const
).map(([driver, what]) =>
  scenario(
    `${driver}: its name taken by another's ${what}: home under a free one, told, mended`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      const container = await attachNic(lab, nic);
      await lab.host.ip(...TAKEN[what](nic.name));
      try {
        await container.kill();
        const told = await stuck(lab);
        expect(told).toContain(`${nic.name} is home as netdevd0`);
        const ready = await lab.daemon.get("/readyz");
        expect(ready.status).toBe(503);
        expect(await ready.text()).toContain(`${nic.name} is home as netdevd0`);
        expect(lab.daemon.log()).toContain(`${nic.name} is home as netdevd0`);
        expect(await lab.host.device("netdevd0")).toMatchObject({
          mac: nic.mac,
          up: true,
          mtu: 1400,
        });
      } finally {
        await lab.host.ip(`link del ${what === "name" ? nic.name : "other"}`);
      }
      await lab.daemon.empty();
      await settle();
      expect(await lab.host.device(nic.name)).toEqual(before);
    },
  ),
);

const ROUNDS = 10;

/** The kernel sends it home under its name of inside; udev gives it its own name as an altname at the same time. */
const race = DRIVERS.map((driver) =>
  scenario(`${driver}: named again beside udev, ${ROUNDS} times of ${ROUNDS}`, async (lab) => {
    const { nic, before } = await furnishedNic(lab, driver);
    for (let round = 1; round <= ROUNDS; round++) {
      const container = await attachNic(lab, nic, `c${round}`);
      const nested = await moveOn(lab, container);
      await nested.kill();
      await container.kill();
      await lab.daemon.empty();
      await settle();
      expect({ round, ...(await lab.host.device(nic.name)) }).toEqual({ round, ...before });
    }
  }),
);

/** What udev has done by then cannot be raced against: the altname is there. */
const late = scenario("sent home by the kernel, named by udev, while no daemon ran", async (lab) => {
  const { nic, before } = await furnishedNic(lab, "virtio_net");
  const container = await attachNic(lab, nic);
  await lab.daemon.end("SIGKILL");
  await lab.unpin();
  await container.netns.ip("link set eth1 down", "link set eth1 address 02:00:00:00:00:77");
  await container.kill();
  const back = await until(`${nic.name} to be sent home`, async () => (await lab.host.devices()).eth1);
  expect(back.up).toBe(false);
  await until("udev to give it its name as an altname", async () =>
    (await lab.host.device("eth1")).altnames.includes(nic.name),
  );
  await lab.start();
  await lab.daemon.empty();
  await settle();
  expect(await lab.host.device(nic.name)).toEqual(before);
});

/** Its name of inside is another's on the host by then: the kernel calls it by its number. */
const numbered = scenario("sent home by the kernel as dev7 or so, while no daemon ran", async (lab) => {
  const { nic, before } = await furnishedNic(lab, "e1000e");
  const container = await attachNic(lab, nic);
  await lab.daemon.end("SIGKILL");
  await lab.unpin();
  await lab.host.ip("link add eth1 type dummy");
  try {
    await container.kill();
    await until(
      `${nic.name} to be sent home`,
      async () => (await lab.host.devices())[`dev${before.ifindex}`],
    );
    await lab.start();
    await lab.daemon.empty();
    await settle();
    expect(await lab.host.device(nic.name)).toEqual(before);
  } finally {
    await lab.host.ip("link del eth1");
  }
});

export const CLASH: readonly Scenario[] = [...taken, ...race, late, numbered];
