import { expect } from "bun:test";
import type { Problem } from "../../../src/domain/verdict.ts";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { attachNic, serve } from "../attached.ts";
import { freshNic, type Nic, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "The device is home with its bridge membership": on a kernel whose bridges have VLANs.

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
  scenario(
    "what was set of single VLANs of a port is told before and when it is home, and nothing else",
    async (lab) => {
      const nic = await freshNic(lab, "virtio_net");
      const { name } = nic;
      await lab.host.ip(
        "link add br7 type bridge vlan_filtering 1",
        "link set br7 up",
        `link set ${name} master br7`,
        `link set ${name} type bridge_slave vlan_tunnel on`,
      );
      try {
        const vlan = (...words: string[]) => lab.host.run("bridge", "vlan", ...words);
        await vlan("add", "dev", name, "vid", "100-105");
        await vlan("add", "dev", name, "vid", "103", "tunnel_info", "id", "1003");
        await vlan("set", "dev", name, "vid", "104", "state", "4");
        const look = async () =>
          JSON.parse(await lab.host.run("bridge", "-json", "vlan", "show", "dev", name));
        const before = await look();
        await serve(lab, mappingFor("c*", `match = { name = "${name}" }\nname = "eth1"`));
        const container = await lab.container();
        const attached = await lab.attach("c1", container);
        expect(attached.outcome).toBe("attached");
        const options = ["options of VLAN 103 (tunnel_info id 1003)", "options of VLAN 104 (state blocking)"];
        const told = (warnings: readonly Pick<Problem, "message">[]) =>
          warnings.map(({ message }) => message);
        expect(told(attached.warnings)).toEqual(
          options.map((option) => expect.stringContaining(`will come home without its ${option}: `)),
        );
        const returned = await lab.event({ id: "c1", status: "stopped" });
        expect(told(returned.warnings)).toEqual(
          options.map((option) => expect.stringContaining(`is home, and its ${option} are not there: `)),
        );
        await container.kill();
        await settle();
        expect(await look()).toEqual(before);
      } finally {
        await lab.host.ip("link delete br7");
      }
    },
  ),
];
