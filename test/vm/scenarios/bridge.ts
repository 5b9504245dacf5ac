import { expect } from "bun:test";
import { until } from "../../helpers/until.ts";
import { attachNic, furnishedNic } from "../attached.ts";
import { DRIVERS, quieten, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "…bridge membership, addresses, routes, per-device sysctls and up/down state as they were."

export const BRIDGE: readonly Scenario[] = DRIVERS.map((driver) =>
  scenario(`${driver}: a bridge's port, with routes and sysctls: home as all of that`, async (lab) => {
    // Another card that is up has the same routes.
    await quieten(lab);
    await lab.host.ip("link add br0 type bridge");
    try {
      const { nic } = await furnishedNic(lab, driver);
      await lab.host.ip(
        "link set br0 up",
        `link set ${nic.name} master br0`,
        `route add 198.51.100.128/25 via 192.0.2.254 dev ${nic.name} metric 77`,
      );
      await lab.host.run(
        "bridge",
        "link",
        "set",
        "dev",
        nic.name,
        "cost",
        "7",
        "priority",
        "5",
        "learning",
        "off",
      );
      await lab.host.run("sysctl", "--quiet", `net.ipv4.conf.${nic.name}.rp_filter=2`);
      await settle();
      // Those of its fe80:: address the kernel makes when it has made that.
      const routesOf = async () => {
        const text = await lab.host.run("ip", "route", "show", "table", "all", "dev", nic.name);
        return text.split("\n").filter((line) => !/fe80::|ff00::/.test(line));
      };
      // Its state is that of before until the kernel has dealt with its having no carrier as long as the driver negotiates.
      const carried = async () => {
        const [row] = await lab.host.json(`-details link show dev ${nic.name}`);
        const isForwarding = row?.operstate === "UP" && JSON.stringify(row).includes('"forwarding"');
        return isForwarding && !(await routesOf()).some((line) => line.includes("linkdown"));
      };
      const look = async () => ({
        device: await lab.host.device(nic.name),
        routes: await routesOf(),
        sysctl: await lab.host.run("sysctl", "--values", `net.ipv4.conf.${nic.name}.rp_filter`),
      });
      await until("the port to forward", carried);
      const before = await look();
      expect(before.device.rest).toMatchObject({ master: "br0" });
      const container = await attachNic(lab, nic);
      await container.netns.ip("link set eth1 down", "link set eth1 name mine");
      await container.kill();
      await lab.daemon.empty();
      await settle();
      await until("the port to forward", carried);
      expect(await look()).toEqual(before);
    } finally {
      await lab.host.ip("link del br0");
    }
  }),
);
