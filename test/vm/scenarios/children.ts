import { expect } from "bun:test";
import { mappingFor } from "../../helpers/mapping.ts";
import { furnishedNic, serve } from "../attached.ts";
import { DRIVERS, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "Never a device that others are built on; `force = true` lifts it; `plan` then names what will be cut off."

export const CHILDREN: readonly Scenario[] = DRIVERS.map((driver) =>
  scenario(
    `${driver}: with a VLAN on it: refused; by force: the VLAN is the container's to let work, and linked again at home`,
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, driver);
      await lab.host.ip(
        `link add link ${nic.name} name v9 type vlan id 9`,
        "addr add 198.51.100.99/24 dev v9",
        "link set v9 up",
      );
      try {
        await settle();
        const vlan = await lab.host.device("v9");
        const device = `match = { name = "${nic.name}" }\nname = "eth1"`;
        await serve(lab, mappingFor("c1", device) + mappingFor("c2", `${device}\nforce = true`));
        const one = await lab.container();
        expect(await lab.attach("c1", one)).toMatchObject({
          outcome: "refused",
          error: { code: "device-guarded", message: expect.stringContaining("v9") },
        });
        expect(await lab.host.device(nic.name)).toEqual(before);

        const two = await lab.container();
        const event = { id: "c2", status: "creating", pid: two.pid };
        const planned = await lab.plan(event);
        expect(planned.code).toBe(0);
        expect(planned.stdout).toContain("v9");
        expect((await lab.event(event)).outcome).toBe("attached");
        expect(await two.netns.device("eth1")).toMatchObject({ up: true, mac: nic.mac });
        const [cut] = await lab.host.json("-details link show dev v9");
        // It goes by its device still, which is the container's now.
        expect(cut).toMatchObject({ ifname: "v9", link_netnsid: expect.any(Number) });
        expect(cut).not.toHaveProperty("link");

        await two.kill();
        await lab.daemon.empty();
        await settle();
        expect(await lab.host.device(nic.name)).toEqual(before);
        const [linked] = await lab.host.json("-details link show dev v9");
        expect(linked).toMatchObject({ link: nic.name });
        expect(await lab.host.device("v9")).toMatchObject({ mac: vlan.mac, addresses: vlan.addresses });
      } finally {
        await lab.host.ip("link del v9");
      }
    },
  ),
);
