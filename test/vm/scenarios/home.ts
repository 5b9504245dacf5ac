import { expect } from "bun:test";
import { furnish } from "../../helpers/devices.ts";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { serve } from "../attached.ts";
import { DRIVERS, freshNic, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "What comes home, however the container ended: the same device, under its own name (and ifindex), with altnames,
// alias, MAC, MTU, txqueuelen, addresses, and up/down state as they were." Of hardware, on a host with udev.

const DAEMON = {
  alive: async () => undefined,
  "killed and started after": async (lab: Lab, end: () => Promise<void>) => {
    await lab.daemon.end("SIGKILL");
    await end();
    await lab.start();
  },
  "killed and started before": async (lab: Lab, end: () => Promise<void>) => {
    await lab.daemon.end("SIGKILL");
    await lab.start();
    await end();
  },
} as const;

export const HOME: readonly Scenario[] = DRIVERS.flatMap((driver) =>
  Object.entries(DAEMON).map(([daemon, act]) =>
    scenario(`${driver}: renamed and given a MAC inside, killed, the daemon ${daemon}`, async (lab) => {
      const { name } = await freshNic(lab, driver);
      await lab.host.ip(...furnish(name));
      const before = await lab.host.device(name);
      await serve(lab, mappingFor("c1", `match = { name = "${name}" }\nname = "eth1"`));
      const container = await lab.container();
      expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
      expect(await container.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400, mac: before.mac });
      await container.netns.ip(
        "link set eth1 down",
        "link set eth1 name mine address 02:00:00:00:00:77 mtu 1300",
        `link property del dev mine altname ${name}-second`,
        "link set mine up",
      );
      const end = () => container.kill();
      await act(lab, end);
      await end();
      await lab.daemon.empty();
      await settle();
      expect(await lab.host.device(name)).toEqual(before);
    }),
  ),
);
