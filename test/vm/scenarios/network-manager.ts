import { expect } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../helpers/command.ts";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { until } from "../../helpers/until.ts";
import { attachNic, lookedAfter, serve } from "../attached.ts";
import { freshNic, type Nic, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "networkd and NetworkManager configure it within seconds": NetworkManager in place of networkd, with a connection of
// its own for the card.

const CONNECTIONS = "/run/NetworkManager/system-connections";
const SETTINGS = "/run/NetworkManager/conf.d";
const SNIPPET = join(import.meta.dir, "../../../config/others/netdevd-networkmanager.conf");
const NETWORKD = ["systemd-networkd.socket", "systemd-networkd.service"];
/** Longer than netdevd looks after a device that has come home. */
const A_WHILE = 12_000;

/** Has NetworkManager run in place of networkd, with these files, for the time of `work`. */
async function managed(
  { name }: Nic,
  settings: Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  mkdirSync(CONNECTIONS, { recursive: true, mode: 0o700 });
  mkdirSync(SETTINGS, { recursive: true });
  const connection = join(CONNECTIONS, "card.nmconnection");
  const profile = [
    `[connection]\nid=card\ntype=ethernet\ninterface-name=${name}`,
    "[ipv4]\nmethod=manual\naddress1=203.0.113.77/24\nroute1=198.51.100.0/24,203.0.113.254",
    "[ipv6]\nmethod=manual\naddress1=2001:db8:77::1/64\n",
  ];
  writeFileSync(connection, profile.join("\n"), { mode: 0o600 });
  for (const [file, text] of Object.entries(settings)) writeFileSync(join(SETTINGS, file), text);
  try {
    await mustRun(["systemctl", "stop", ...NETWORKD]);
    await mustRun(["systemctl", "start", "NetworkManager.service"]);
    await work();
  } finally {
    await mustRun(["systemctl", "stop", "NetworkManager.service"]);
    rmSync(connection);
    for (const file of Object.keys(settings)) rmSync(join(SETTINGS, file));
    await mustRun(["systemctl", "start", ...NETWORKD]);
  }
}

const stateOf = async ({ name }: Nic) =>
  await mustRun(["nmcli", "--get-values", "GENERAL.STATE", "device", "show", name]);

async function isConfigured(lab: Lab, nic: Nic): Promise<boolean> {
  if (!(await lab.host.names()).includes(nic.name)) return false;
  const { addresses } = await lab.host.device(nic.name);
  return addresses.some((line) => line.startsWith("203.0.113.77/24"));
}

const journal = async () =>
  await mustRun(["journalctl", "--unit=NetworkManager", "--lines=60", "--output=cat", "--no-pager"]);

/** Proven, and with all that NetworkManager gives it. */
async function configured(lab: Lab, nic: Nic): Promise<void> {
  await until("NetworkManager to configure it", async () => await isConfigured(lab, nic), {
    detail: journal,
  });
  await until("NetworkManager to be done with it", async () => (await stateOf(nic)).startsWith("100"));
  await until("its addresses to be proven", async () => {
    const { addresses } = await lab.host.device(nic.name);
    return addresses.every((line) => !line.includes("tentative"));
  });
}

export const NETWORK_MANAGER: readonly Scenario[] = [
  scenario(
    "e1000e: NetworkManager, that configures it when it has come home: mended, and left so",
    async (lab) => {
      // Else the daemon puts back what the scenario before has given the card.
      await lookedAfter(lab);
      const nic = await freshNic(lab, "e1000e");
      await managed(nic, {}, async () => {
        await configured(lab, nic);
        // What somebody has given it by hand.
        await lab.host.ip(`addr add 198.51.100.7/32 dev ${nic.name}`, `link set ${nic.name} mtu 1400`);
        const before = await lab.host.device(nic.name);
        const routes = async () => {
          const text = await lab.host.run("ip", "route", "show", "dev", nic.name);
          return text.split("\n").map((line) => line.replace("linkdown", "").trim());
        };
        const routed = await routes();
        expect(routed.join("\n")).toContain("198.51.100.0/24");
        const container = await attachNic(lab, nic);
        await container.netns.ip("link set eth1 down", "link set eth1 address 02:00:00:00:00:77");
        await container.kill();
        await lab.daemon.empty();
        // It takes what it finds for somebody's; told to configure it, it takes away what it does not know.
        await mustRun(["nmcli", "connection", "up", "card"]);
        await Bun.sleep(A_WHILE);
        expect(await lab.host.device(nic.name)).toEqual(before);
        expect(await routes()).toEqual(routed);
        await until("it to be NetworkManager's again", async () => (await stateOf(nic)).startsWith("100"));
        const mends = lab.daemon.log().split("after it had come home").length - 1;
        expect(mends).toBeGreaterThan(0);
        expect(mends).toBeLessThanOrEqual(2);
      });
    },
  ),
  scenario("virtio_net: with the file of config/others NetworkManager keeps off", async (lab) => {
    const nic = await freshNic(lab, "virtio_net");
    const snippet = readFileSync(SNIPPET, "utf8").replaceAll("52:54:00:12:34:56", nic.mac);
    await managed(nic, { "netdevd.conf": snippet }, async () => {
      await until("NetworkManager to leave it alone", async () => (await stateOf(nic)).startsWith("10 "));
      await lab.host.ip(
        `addr flush dev ${nic.name}`,
        `addr add 192.0.2.9/24 dev ${nic.name}`,
        `link set ${nic.name} up mtu 1400`,
      );
      const before = await lab.host.device(nic.name);
      const container = await attachNic(lab, nic);
      await container.netns.ip("link set eth1 down", "link set eth1 address 02:00:00:00:00:77");
      await container.kill();
      await lab.daemon.empty();
      await settle();
      await Bun.sleep(A_WHILE / 2);
      expect(await lab.host.device(nic.name)).toEqual(before);
      expect(await stateOf(nic)).toStartWith("10 ");
      expect(lab.daemon.log()).not.toContain(`somebody else changed ${nic.name}`);
    });
  }),
  scenario("doctor names NetworkManager, and what keeps it off", async (lab) => {
    const nic = await freshNic(lab, "virtio_net");
    await serve(lab, mappingFor("c*", `match = { name = "${nic.name}" }`));
    await managed(nic, {}, async () => {
      const { stdout } = await lab.netdevd("doctor");
      expect(stdout).toMatch(/^warn +managers: NetworkManager runs/m);
      expect(stdout).toContain("netdevd-networkmanager.conf");
    });
  }),
];
