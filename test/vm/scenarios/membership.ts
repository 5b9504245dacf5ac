import { expect } from "bun:test";
import { furnish } from "../../helpers/devices.ts";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { until } from "../../helpers/until.ts";
import { serve } from "../attached.ts";
import { freshNic, type Nic, quieten, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "…bridge membership, addresses, routes, … as they were": of ports of a bond, of a team and of a VRF. Bond and team
// take no port that is up and lend it their MAC; a VRF takes its port down and up, and has a routing table of its own.

interface Master {
  /** Commands that make m0, and `nic` its port. */
  readonly make: (nic: Nic, other: Nic) => readonly string[];
  /** What is told before, as nobody here can put it back. */
  readonly warnings: readonly unknown[];
}

const MASTERS: Readonly<Record<string, Master>> = {
  bond: {
    // The other one lends its MAC to the bond, and that to both.
    make: (nic, other) => [
      "link add m0 type bond mode active-backup miimon 100",
      `link set ${other.name} down`,
      `link set ${other.name} master m0`,
      `link set ${nic.name} down`,
      `link set ${nic.name} master m0`,
      `link set ${nic.name} type bond_slave queue_id 3`,
      "link set m0 up",
      `link property add dev ${nic.name} altname ${nic.name}-second`,
      `link set ${nic.name} alias "a port" txqueuelen 77`,
      "addr add 192.0.2.77/24 dev m0",
    ],
    warnings: [],
  },
  team: {
    make: (nic, other) => [
      "link add m0 type team",
      `link set ${other.name} down`,
      `link set ${other.name} master m0`,
      `link set ${nic.name} down`,
      `link set ${nic.name} master m0`,
      "link set m0 up",
      `link set ${nic.name} alias "a port" txqueuelen 77`,
      "addr add 192.0.2.77/24 dev m0",
    ],
    warnings: [{ code: "not-as-wanted", message: expect.stringContaining("options as a port of its team") }],
  },
  vrf: {
    make: (nic) => [
      "link add m0 type vrf table 77",
      "link set m0 up",
      `link set ${nic.name} master m0`,
      ...furnish(nic.name),
      `route add 198.51.100.128/25 via 192.0.2.254 dev ${nic.name} metric 77 table 77`,
      `route add 203.0.113.128/25 via 192.0.2.253 dev ${nic.name} src 192.0.2.2 table 77`,
      `route add 2001:db8:f::/48 via 2001:db8:2::9 dev ${nic.name} src 2001:db8:1::1 table 77`,
      `route add 2001:db8:e::/48 via fe80::9 dev ${nic.name} table 77`,
      `route add 198.51.100.64/26 via 192.0.2.252 dev ${nic.name} table 99`,
    ],
    warnings: [],
  },
};

/** All that is to be as before, the kernel's own multicast and link-local routes aside. */
async function look(lab: Lab, { name }: Nic) {
  const routes = async (...family: string[]) => {
    const text = await lab.host.run("ip", ...family, "route", "show", "table", "all", "dev", name);
    return text
      .split("\n")
      .filter((line) => line !== "" && (line.includes("via fe80::9") || !/fe80::|ff00::/.test(line)))
      .map((line) => line.replace(/ linkdown\b/, "").trim());
  };
  const { rest, ...device } = await lab.host.device(name);
  return {
    device,
    rest: JSON.parse(JSON.stringify(rest), (key, value) => (VOLATILE.has(key) ? undefined : value)),
    inet: await routes(),
    inet6: await routes("-6"),
  };
}

/** Longer than netdevd waits with that when udev has settled. */
const LOOKED_AGAIN = 1000;

/** What a bond works out by itself of a port. */
const VOLATILE = new Set(["link_failure_count", "state", "mii_status"]);

/** The kernel makes the last of its routes when an address has been proven. */
async function quiet(lab: Lab, nic: Nic) {
  await settle();
  let last = "";
  return await until(`${nic.name} to change no more`, async () => {
    const now = await look(lab, nic);
    const isSame = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    await Bun.sleep(300);
    return isSame ? now : undefined;
  });
}

/** Where it is in force, `work` finds the card as a port of m0. */
async function asPort(lab: Lab, kind: string, driver: Nic["driver"], work: (nic: Nic) => Promise<void>) {
  const master = MASTERS[kind];
  if (master === undefined) throw new Error(`there is no ${kind}`);
  // Another card that is up has the same routes.
  await quieten(lab);
  const other = await freshNic(lab, driver, 1);
  const nic = await freshNic(lab, driver, 0);
  try {
    await lab.host.ip(...master.make(nic, other));
    await work(nic);
  } finally {
    await lab.clear();
    await settle();
    // What is changed before netdevd has looked once more, it puts back.
    await Bun.sleep(LOOKED_AGAIN);
    if ((await lab.host.names()).includes("m0")) await lab.host.ip("link del m0");
  }
}

const ENDS = {
  "its container killed": async (_: Lab, end: () => Promise<void>) => await end(),
  "the daemon and its container killed, sent home by the kernel": async (
    lab: Lab,
    end: () => Promise<void>,
  ) => {
    await lab.daemon.end("SIGKILL");
    await lab.unpin();
    await end();
    await until("it to be sent home", async () => (await lab.host.names()).includes("mine"));
    // As somebody who configures the network does.
    await lab.host.ip("link set mine up", "addr add 203.0.113.99/24 dev mine");
    await settle();
    await lab.start();
  },
} as const;

const WAYS: readonly (readonly [kind: string, driver: Nic["driver"], how: keyof typeof ENDS])[] = [
  ["bond", "e1000e", "its container killed"],
  ["bond", "virtio_net", "the daemon and its container killed, sent home by the kernel"],
  ["team", "virtio_net", "its container killed"],
  ["team", "e1000e", "the daemon and its container killed, sent home by the kernel"],
  ["vrf", "e1000e", "its container killed"],
  ["vrf", "virtio_net", "the daemon and its container killed, sent home by the kernel"],
];

const home = WAYS.map(([kind, driver, how]) =>
  scenario(`${driver}: a port of a ${kind}, ${how}: home as the port that it was`, (lab) =>
    asPort(lab, kind, driver, async (nic) => {
      const before = await quiet(lab, nic);
      expect(before.rest).toMatchObject({ master: "m0" });
      await serve(lab, mappingFor("c*", `match = { name = "${nic.name}" }\nname = "eth1"`));
      const container = await lab.container();
      const planned = await lab.plan({ id: "c1", status: "creating", pid: container.pid });
      expect(planned.stdout).toContain("m0 has one port less");
      expect(await lab.attach("c1", container)).toMatchObject({
        outcome: "attached",
        warnings: [...(MASTERS[kind]?.warnings ?? [])],
        error: null,
      });
      expect(await container.netns.device("eth1")).toMatchObject({
        up: true,
        // What its master lends it stays with that.
        mac: nic.mac,
        mtu: before.device.mtu,
      });
      await ENDS[how](lab, async () => {
        await container.netns.ip("link set eth1 down", "link set eth1 name mine address 02:00:00:00:00:77");
        await container.kill();
      });
      await lab.daemon.empty();
      expect(await quiet(lab, nic)).toEqual(before);
      expect(lab.daemon.log()).not.toContain(`${nic.name} is home, and its`);
    }),
  ),
);

const gone = (["bond", "team", "vrf"] as const).map((kind) =>
  scenario(`e1000e: a ${kind} that is no more is told, and its port is home all the same`, (lab) =>
    asPort(lab, kind, "e1000e", async (nic) => {
      await serve(lab, mappingFor("c*", `match = { name = "${nic.name}" }\nname = "eth1"`));
      expect((await lab.attach("c1", await lab.container())).outcome).toBe("attached");
      await lab.host.ip("link del m0");
      const verdict = await lab.event({ id: "c1", status: "stopped" });
      expect(verdict).toMatchObject({
        outcome: "returned",
        devices: [{ host_name: nic.name, name: nic.name }],
      });
      const told = verdict.warnings.map(({ message }) => message).join("\n");
      expect(told).toContain("master is none");
      expect(await lab.host.device(nic.name)).toMatchObject({ up: true, mac: nic.mac });
    }),
  ),
);

const carriesDefault = (["bond", "vrf"] as const).map((kind) =>
  scenario(`e1000e: a port of a ${kind} that carries the default route: refused, by force it goes`, (lab) =>
    asPort(lab, kind, "e1000e", async (nic) => {
      const before = await quiet(lab, nic);
      const by = kind === "bond" ? "m0" : `${nic.name} table 77`;
      await lab.host.ip(`route add default via 192.0.2.254 dev ${by}`);
      const device = `match = { name = "${nic.name}" }\nname = "eth1"`;
      await serve(lab, mappingFor("c1", device) + mappingFor("c2", `${device}\nforce = true`));
      expect(await lab.attach("c1", await lab.container())).toMatchObject({
        outcome: "refused",
        error: { code: "device-guarded", message: expect.stringContaining("default route") },
      });
      const container = await lab.container();
      expect((await lab.attach("c2", container)).outcome).toBe("attached");
      await container.kill();
      await lab.daemon.empty();
      const { device: after, rest } = await quiet(lab, nic);
      expect({ device: after, rest }).toEqual({ device: before.device, rest: before.rest });
      expect(await lab.host.run("ip", "route", "show", "table", "all", "default")).toContain(
        `via 192.0.2.254 dev ${kind === "bond" ? "m0" : nic.name}`,
      );
    }),
  ),
);

export const MEMBERSHIP: readonly Scenario[] = [...home, ...gone, ...carriesDefault];
