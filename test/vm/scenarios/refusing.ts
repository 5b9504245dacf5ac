import { expect } from "bun:test";
import { mustRun } from "../../helpers/command.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { furnishedNic, serve } from "../attached.ts";
import { settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "All devices of a container or none: when one step fails, the host is as it was": a device that the kernel refuses to
// move, and tells nobody before (NETIF_F_NETNS_LOCAL; IFLA_NETNS_IMMUTABLE is of Linux 6.14).

export const REFUSING: readonly Scenario[] = [
  scenario(
    "a device that the kernel keeps in its namespace: told in its words, nothing is changed",
    async (lab) => {
      await mustRun(["modprobe", "ipip"]);
      await settle();
      await lab.host.ip("link set tunl0 up", "addr add 192.0.2.88/32 dev tunl0");
      const { nic, before } = await furnishedNic(lab, "e1000e");
      const local = await lab.host.device("tunl0");
      try {
        // The card first: it is inside already when the other one is refused.
        const card = `match = { name = "${nic.name}" }\nname = "eth1"`;
        await serve(lab, mappingFor("c*", card, 'match = { name = "tunl0" }\nname = "in0"'));
        const container = await lab.container();
        const verdict = await lab.attach("c1", container);
        expect(verdict).toMatchObject({
          outcome: "failed",
          devices: [],
          error: { code: "step-failed", device: "tunl0", message: expect.stringContaining("EINVAL") },
        });
        expect(await container.netns.names()).not.toContain("eth1");
        await settle();
        expect(await lab.host.device("tunl0")).toEqual(local);
        expect(await lab.host.device(nic.name)).toEqual(before);
        expect((await lab.daemon.status()).containers).toEqual([]);
      } finally {
        await mustRun(["modprobe", "--remove", "ipip"]);
      }
    },
  ),
];
