import { expect } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../helpers/command.ts";
import { until } from "../../helpers/until.ts";
import { attachNic, furnishedNic } from "../attached.ts";
import { freshNic, type Nic, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "Others act at the same time: a return is verified again after udev has settled, and mended within bounds."

const NETWORK = "/run/systemd/network";
const CONFIG = join(import.meta.dir, "..", "..", "..", "config", "others");
/** Longer than networkd takes to configure a link here, and than netdevd looks after one. */
const A_WHILE = 12_000;

/** Writes files of networkd and udev for the time of `work`. */
async function withFiles(files: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  mkdirSync(NETWORK, { recursive: true });
  const reload = async () => {
    await mustRun(["udevadm", "control", "--reload"]);
    await mustRun(["networkctl", "reload"]);
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(NETWORK, name), text);
  try {
    await reload();
    await work();
  } finally {
    for (const name of Object.keys(files)) rmSync(join(NETWORK, name), { force: true });
    await reload();
  }
}

/** A .link that has udev rename a card, and give it another MTU. */
function lanLink({ mac }: Nic): string {
  return `[Match]\nPermanentMACAddress=${mac}\n[Link]\nName=lan0\nMTUBytes=1280\nMACAddressPolicy=none\n`;
}

const renamedByUdev = (["e1000e"] as const).map((driver) =>
  scenario(`${driver}: a .link that came meanwhile names and sets it: mended, and left so`, async (lab) => {
    const { nic, before } = await furnishedNic(lab, driver);
    const container = await attachNic(lab, nic);
    await withFiles({ "10-lan.link": lanLink(nic) }, async () => {
      await container.kill();
      await lab.daemon.empty();
      await settle();
      await until("it to be mended", async () => (await lab.host.names()).includes(nic.name));
      await Bun.sleep(A_WHILE);
      const { altnames, ...after } = await lab.host.device(nic.name);
      expect({ ...after, altnames: before.altnames }).toEqual(before);
      expect(altnames).toEqual(before.altnames);
    });
  }),
);

const daemonDies = [
  scenario(
    "e1000e: renamed by udev, and the daemon dies as soon as it is home: mended by the next",
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, "e1000e");
      const container = await attachNic(lab, nic);
      await withFiles({ "10-lan.link": lanLink(nic) }, async () => {
        await container.kill();
        await lab.daemon.empty();
        await lab.daemon.end("SIGKILL");
        await settle();
        await lab.start();
        await until("it to be mended", async () => (await lab.host.names()).includes(nic.name));
        await Bun.sleep(1000);
        expect(await lab.host.device(nic.name)).toEqual(before);
      });
    },
  ),
  scenario(
    "e1000e: renamed by udev when it is released without a daemon: mended when that is done",
    async (lab) => {
      const { nic, before } = await furnishedNic(lab, "e1000e");
      await attachNic(lab, nic);
      await withFiles({ "10-lan.link": lanLink(nic) }, async () => {
        await lab.daemon.end("SIGKILL");
        expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
        await settle();
        expect(await lab.host.device(nic.name)).toEqual(before);
      });
    },
  ),
];

const configured = (["virtio_net"] as const).map((driver) =>
  scenario(`${driver}: networkd, that configures it, leaves it as it was`, async (lab) => {
    const nic = await freshNic(lab, driver);
    const network = `[Match]\nPermanentMACAddress=${nic.mac}\n[Network]\nAddress=203.0.113.77/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`;
    await withFiles({ "10-nic.network": network }, async () => {
      await until("networkd to configure it", async () =>
        (await lab.host.device(nic.name)).addresses.some((line) => line.startsWith("203.0.113.77/24")),
      );
      await mustRun(["/lib/systemd/systemd-networkd-wait-online", `--interface=${nic.name}`, "--timeout=60"]);
      // What somebody has given it by hand; networkd takes away what it does not know when a link comes.
      await lab.host.ip(`addr add 198.51.100.7/24 dev ${nic.name}`, `link set ${nic.name} mtu 1400`);
      const before = await lab.host.device(nic.name);
      const container = await attachNic(lab, nic);
      await container.kill();
      await lab.daemon.empty();
      await Bun.sleep(A_WHILE);
      expect(await lab.host.device(nic.name)).toEqual(before);
    });
  }),
);

const keptOff = (["e1000e"] as const).map((driver) =>
  scenario(`${driver}: with the files of config/others nobody else touches it`, async (lab) => {
    const nic = await freshNic(lab, driver);
    const own = (file: string) =>
      readFileSync(join(CONFIG, file), "utf8").replaceAll("52:54:00:12:34:56", nic.mac);
    const files = {
      "10-netdevd.link": own("10-netdevd.link"),
      "10-netdevd.network": own("10-netdevd.network"),
      "50-all.network": "[Match]\nName=en* eth*\n[Network]\nAddress=203.0.113.78/24\n",
    };
    await withFiles(files, async () => {
      const setup = async () => await mustRun(["networkctl", "list", "--no-legend", nic.name]);
      await until("networkd to leave it alone", async () => (await setup()).includes("unmanaged"));
      await lab.host.ip(`addr flush dev ${nic.name}`, `link set ${nic.name} down`);
      const before = await lab.host.device(nic.name);
      expect(before).toMatchObject({ up: false, addresses: [], altnames: [] });
      const container = await attachNic(lab, nic);
      await lab.daemon.end("SIGKILL");
      await lab.unpin();
      await container.kill();
      await until("it to be sent home", async () => (await lab.host.names()).includes("eth1"));
      await settle();
      await Bun.sleep(A_WHILE / 4);
      expect(await lab.host.device("eth1")).toMatchObject({ up: false, addresses: [], altnames: [] });
      await lab.start();
      await lab.daemon.empty();
      await settle();
      expect(await setup()).toContain("unmanaged");
      // A device that is down has another qdisc until it is up again.
      const { rest, ...after } = await lab.host.device(nic.name);
      const { qdisc } = before.rest;
      expect<unknown>({ ...after, rest: { ...rest, qdisc } }).toEqual(before);
    });
  }),
);

export const OTHERS: readonly Scenario[] = [...renamedByUdev, ...daemonDies, ...configured, ...keptOff];
