import { expect } from "bun:test";
import type { Lab } from "../../helpers/lab.ts";
import { attachNic } from "../attached.ts";
import { freshNic, type Nic, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "The device is home with its bridge membership", and whatever else it was a port of: on a kernel that has VLANs of
// bridges, VRFs and fair queueing.

/** Moves a card in and home again, and asks `look` of it before and after. */
async function homeAgain<T>(lab: Lab, nic: Nic, look: () => Promise<T>): Promise<void> {
  const before = await look();
  const container = await attachNic(lab, nic);
  await container.kill();
  await lab.daemon.empty();
  await settle();
  expect(await look()).toEqual(before);
}

export const BRIDGE_PORTS: readonly Scenario[] = [
  scenario("a port is home with its VLANs, and without the one that every port begins with", async (lab) => {
    const nic = await freshNic(lab, "virtio_net");
    const { name } = nic;
    await lab.host.ip(
      "link add br7 type bridge vlan_filtering 1",
      "link set br7 up",
      `link set ${name} master br7`,
    );
    try {
      const vlan = (...words: string[]) => lab.host.run("bridge", "vlan", ...words);
      await vlan("add", "dev", name, "vid", "7", "pvid", "untagged");
      await vlan("add", "dev", name, "vid", "100-105");
      await vlan("add", "dev", name, "vid", "200", "untagged");
      await vlan("del", "dev", name, "vid", "1");
      const look = async () => JSON.parse(await lab.host.run("bridge", "-json", "vlan", "show", "dev", name));
      expect(JSON.stringify(await look())).toContain('"vlan":7');
      await homeAgain(lab, nic, look);
    } finally {
      await lab.host.ip("link delete br7");
    }
  }),

  scenario("a device of a VRF is home in it, with its routes and its qdisc", async (lab) => {
    const nic = await freshNic(lab, "virtio_net");
    const { name } = nic;
    await lab.host.ip(
      "link add vrf7 type vrf table 77",
      "link set vrf7 up",
      `link set ${name} master vrf7`,
      `link set ${name} up`,
      `addr add 192.0.2.1/24 dev ${name}`,
      "route add 10.7.0.0/16 via 192.0.2.9 table 77",
    );
    try {
      await lab.host.run(
        "tc",
        "qdisc",
        "replace",
        "dev",
        name,
        "root",
        "handle",
        "5:",
        "fq_codel",
        "limit",
        "999",
      );
      const look = async () => ({
        routes: (await lab.host.json("-4 route show table 77"))
          .map((route) => JSON.stringify(route))
          .toSorted(),
        master: (await lab.host.json(`link show dev ${name}`))[0]?.master,
        qdisc: (await lab.host.run("tc", "qdisc", "show", "dev", name)).replaceAll(/refcnt \d+ */g, ""),
      });
      expect(await look()).toMatchObject({ master: "vrf7", qdisc: expect.stringContaining("fq_codel 5:") });
      await homeAgain(lab, nic, look);
    } finally {
      await lab.host.ip("link delete vrf7");
    }
  }),
];
