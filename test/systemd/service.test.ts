import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RELEASES } from "../helpers/debian.ts";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { until } from "../helpers/until.ts";
import { boot, type Machine } from "./machine.ts";
import { type Packages, packages } from "./packages.ts";

// The service as it is installed, under a real systemd: nothing is lost over whatever becomes of it, and containers
// do not notice.

let debs: Packages;
let lost = 0;
beforeAll(async () => {
  debs = await packages();
}, 120_000);
afterAll(() => {
  console.log(`devices lost: ${lost}`);
  expect(lost).toBe(0);
});

const CONFIG = `
[http]
group = "netdevd"
listen = ["unix:/run/netdevd/netdevd.sock", "127.0.0.1:9469"]
[[mapping]]
name = "for-c"
container = { id = "c*" }
  [[mapping.device]]
  match = { name = "d?" }
  count = 2
  name = "net%d"
`;

/** What the container of a test is, and what became of its devices. */
interface Container {
  readonly unit: string;
  readonly pid: number;
  /** Its devices, as they are inside. */
  inside(): Promise<unknown>;
  kill(): Promise<void>;
}

for (const release of RELEASES) {
  describe(release, () => {
    let machine: Machine;
    let before: Record<string, DeviceState>;
    let number = 0;

    beforeAll(async () => {
      machine = await boot(release, debs.folder);
      await machine.netns.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("macvlan", "d1"));
      await machine.netns.ip("link set d1 up", "addr add 192.0.2.77/24 dev d1");
      before = await settled(machine);
    }, 240_000);
    // What one test leaves is no other's trouble.
    afterEach(async () => {
      await machine.run("systemctl", "stop", "c*.service");
      await machine.run("bash", "-c", "systemctl start netdevd; netdevd release --all");
    });
    afterAll(async () => {
      await machine?.[Symbol.asyncDispose]();
    });

    /** Runs a command that comes to `exec sleep`, as a unit; gives its pid then. */
    async function sleeping(unit: string, command: string): Promise<number> {
      await machine.sh(`systemd-run --quiet --collect --unit=${unit} ${command}`);
      return await until(`unit ${unit}`, async () => {
        const { MainPID = "" } = await machine.show(unit, "MainPID");
        const { stdout } = await machine.run("cat", `/proc/${MainPID}/comm`);
        return stdout.trim() === "sleep" ? Number(MainPID) : undefined;
      });
    }

    /** A container with both devices in it. */
    async function attached(): Promise<Container> {
      number += 1;
      const unit = `c${number}`;
      const pid = await sleeping(unit, "unshare --net sleep infinity");
      const state = JSON.stringify({ ociVersion: "1.0.2", id: unit, status: "created", pid, bundle: "/" });
      await machine.sh(`netdevd hook <<<'${state}'`);
      const names = async () => JSON.parse(await machine.sh(`nsenter --target ${pid} --net ip -json link`));
      expect((await names()).map(({ ifname }: { ifname: string }) => ifname)).toEqual(["lo", "net0", "net1"]);
      return {
        unit,
        pid,
        inside: async () => {
          const told = await machine.sh(`nsenter --target ${pid} --net ip -details -json addr`);
          // The kernel comes to an end with what it makes of fe80:: by itself.
          return JSON.parse(told.replaceAll(/"tentative":true,?/g, ""));
        },
        kill: async () => {
          await machine.sh(`kill -9 ${pid}`);
        },
      };
    }

    async function home(): Promise<void> {
      try {
        await until(
          "the devices to be home",
          async () => Bun.deepEquals(await machine.netns.devices(), before),
          {
            detail: () => machine.journal("netdevd"),
          },
        );
      } catch (error) {
        const now = await machine.netns.devices();
        lost += Object.keys(before).filter((name) => !(name in now)).length;
        throw error;
      }
    }

    async function serving(): Promise<number> {
      return await until(
        "the service",
        async () => {
          const { ActiveState, SubState, MainPID } = await machine.show(
            "netdevd",
            "ActiveState",
            "SubState",
            "MainPID",
          );
          return ActiveState === "active" && SubState === "running" ? Number(MainPID) : undefined;
        },
        { detail: () => machine.journal("netdevd") },
      );
    }

    /** How many fds systemd holds for the service. */
    const stored = async () =>
      Number((await machine.show("netdevd", "NFileDescriptorStore")).NFileDescriptorStore);
    const pins = async () =>
      (await machine.run("ls", "/run/netdevd/state/pins")).stdout.split("\n").filter(Boolean);
    const statusText = async () => (await machine.show("netdevd", "StatusText")).StatusText;

    test("the package installs, and the service is there", async () => {
      await machine.sh(`apt-get install --yes /opt/share/${debs.current}`);
      await serving();
      expect((await machine.run("systemctl", "is-enabled", "netdevd")).stdout).toBe("enabled\n");
      expect(await statusText()).toBe("ready: 0 mappings, no device is away");
      expect(await machine.sh("stat --format='%n %a %U:%G' /run/netdevd /run/netdevd/*")).toBe(
        [
          "/run/netdevd 2755 root:netdevd",
          "/run/netdevd/netdevd.sock 600 root:netdevd",
          "/run/netdevd/results 755 root:root",
          "/run/netdevd/spool 700 root:root",
          "/run/netdevd/state 700 root:root",
          "",
        ].join("\n"),
      );
    }, 60_000);

    test("the README's way from the package to a container with its device, as it is printed", async () => {
      await machine.netns.ip(
        ...makeDevice("veth", "ens4"),
        "addr add 192.0.2.1/24 dev ens4",
        "link set ens4 up",
      );
      const printed = await machine.sh(`set -o pipefail\n${inAMinute()}`);
      expect(printed).toContain("ok: 1 mapping\n");
      expect(printed).toContain("ens4 -> eth1");
      expect(printed).toMatch(/: eth1@.* state UP /);
      expect(printed).toContain("inet 192.0.2.1/24");
      await machine.sh("systemctl stop trainer");
      await until("ens4 to be home", async () => (await machine.netns.names()).includes("ens4"));
      await machine.sh("rm /etc/netdevd/conf.d/trainer.toml; systemctl reload netdevd; ip link delete ens4");
    }, 60_000);

    test("a config is taken by a reload, one with a fault fails it and changes nothing", async () => {
      await machine.sh(`cat >/etc/netdevd/netdevd.toml <<'END'\n${CONFIG.replace("[http]", "[htp]")}\nEND`);
      expect((await machine.run("systemctl", "reload", "netdevd")).code).toBe(1);
      expect(await machine.journal("netdevd")).toMatch(
        /netdevd\.toml:2:\d+: htp: .*did you mean|netdevd\.toml:2:\d+: htp: /,
      );
      expect(await statusText()).toBe("ready: 0 mappings, no device is away");
      await machine.sh(`cat >/etc/netdevd/netdevd.toml <<'END'\n${CONFIG}\nEND`);
      await machine.sh("systemctl reload netdevd");
      await until("the mapping", async () => (await statusText()) === "ready: 1 mapping, no device is away");
      await machine.sh("systemctl restart netdevd");
      expect(await machine.sh("stat --format='%a %G' /run/netdevd/netdevd.sock")).toBe("660 netdevd\n");
    });

    test("devices go in and come home; meanwhile systemd holds the namespace", async () => {
      const container = await attached();
      expect(await statusText()).toBe("ready: 1 mapping, 2 devices of 1 container away");
      expect({ stored: await stored(), pins: await pins() }).toEqual({ stored: 1, pins: [] });
      await container.kill();
      await home();
      await until("nothing to be held", async () => (await stored()) === 0);
    });

    const deaths: readonly (readonly [string, (pid: number) => Promise<unknown>])[] = [
      ["restart", () => machine.sh("systemctl restart netdevd")],
      ["kill -9", (pid) => machine.sh(`kill -9 ${pid}`)],
      ["the watchdog", (pid) => machine.sh(`kill -STOP ${pid}`)],
      ["an abort", (pid) => machine.sh(`kill -ABRT ${pid}`)],
      ["daemon-reexec and kill -9", (pid) => machine.sh(`systemctl daemon-reexec; kill -9 ${pid}`)],
      ["stop and start", () => machine.sh("systemctl stop netdevd; systemctl start netdevd")],
      [
        "kill -9, stop and start",
        (pid) => machine.sh(`kill -9 ${pid}; systemctl stop netdevd; systemctl start netdevd`),
      ],
      ["an upgrade", () => machine.sh(`dpkg --install /opt/share/${debs.next}`)],
    ];
    for (const [title, strike] of deaths) {
      test(`${title}: the container does not notice, and its devices come home`, async () => {
        await machine.sh("mkdir -p /run/systemd/system/netdevd.service.d");
        await machine.sh(
          "printf '[Service]\\nWatchdogSec=2s\\n' >/run/systemd/system/netdevd.service.d/watchdog.conf",
        );
        await machine.sh("systemctl daemon-reload; systemctl restart netdevd");
        const container = await attached();
        const inside = await container.inside();
        const pid = await serving();
        await strike(pid);
        await until("another daemon", async () => (await serving()) !== pid);
        expect(await container.inside()).toEqual(inside);
        expect({ stored: await stored(), pins: await pins() }).toEqual({ stored: 1, pins: [] });
        expect(await statusText()).toBe("ready: 1 mapping, 2 devices of 1 container away");
        await container.kill();
        await home();
        await until("nothing to be held", async () => (await stored()) === 0);
      }, 30_000);
    }

    test("kill -9, and the container ends before there is another daemon", async () => {
      const container = await attached();
      await machine.sh(`kill -9 ${await serving()}`);
      await container.kill();
      await home();
    });

    test("moved on inside, to what a process and what a mount leads to: systemd holds it, and all is killed at once", async () => {
      const { unit, pid } = await attached();
      const daemon = await serving();
      const inside = `nsenter --net=/proc/${pid}/ns/net`;
      const nested = await sleeping(`${unit}-nested`, `${inside} unshare --net sleep infinity`);
      await machine.sh(`${inside} ip link set net0 netns ${nested}`);
      const script = `mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip netns add inner; ip link set net1 netns inner; exec sleep infinity`;
      const mounting = `unshare --mount --propagation private bash -ec '${script}'`;
      const mounter = await sleeping(`${unit}-mounter`, `${inside} ${mounting}`);
      await until("the namespaces to be stored", async () => (await stored()) === 3, {
        detail: () => machine.journal("netdevd"),
      });
      await machine.sh(`kill -9 ${daemon} ${nested} ${mounter} ${pid}`);
      await home();
      await until("nothing to be held", async () => (await stored()) === 0);
    }, 30_000);

    test("stop, the container ends, start", async () => {
      const container = await attached();
      await machine.sh("systemctl stop netdevd");
      expect(await pins()).toHaveLength(1);
      await container.kill();
      await Bun.sleep(200);
      await machine.sh("systemctl start netdevd");
      await home();
      expect({ stored: await stored(), pins: await pins() }).toEqual({ stored: 0, pins: [] });
    });

    test("stop with a config that was broken meanwhile, the container ends, mended, start", async () => {
      const container = await attached();
      await machine.sh("echo broken >/etc/netdevd/conf.d/broken.toml; systemctl stop netdevd");
      expect(await pins()).toHaveLength(1);
      await container.kill();
      await Bun.sleep(200);
      expect((await machine.run("systemctl", "start", "netdevd")).code).toBe(1);
      await machine.sh("rm /etc/netdevd/conf.d/broken.toml; systemctl start netdevd");
      await home();
      expect({ stored: await stored(), pins: await pins() }).toEqual({ stored: 0, pins: [] });
    });

    test("stop, the container ends, and `release --all` without a daemon", async () => {
      const container = await attached();
      await machine.sh("systemctl stop netdevd");
      await container.kill();
      expect(await machine.sh("netdevd release --all")).toBe("d0 is home\nd1 is home\n");
      await home();
      await machine.sh("systemctl start netdevd");
      expect({ stored: await stored(), pins: await pins() }).toEqual({ stored: 0, pins: [] });
    });

    test("the package's removal brings devices home first, from a container that lives", async () => {
      const container = await attached();
      await machine.sh("dpkg --remove netdevd");
      await home();
      expect((await machine.show("netdevd", "ActiveState")).ActiveState).toBe("inactive");
      await container.kill();
      expect((await machine.run("test", "-e", "/etc/netdevd/netdevd.toml")).code).toBe(0);
      await machine.sh("dpkg --purge netdevd");
      const left = await machine.sh(
        "find / -xdev -name '*netdevd*' -not -path '/opt/share*' -not -path '/var/log/*' -not -path '/run/systemd/*'",
      );
      expect(left).toBe("");
    }, 60_000);
  });
}

/** The commands of the README's section on it, without the one that builds the package. */
function inAMinute(): string {
  const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
  const [, section = ""] = readme.split("\n## Install it as a service\n");
  const blocks = Array.from(
    (section.split("\n## ")[0] ?? "").matchAll(/```sh\n(.*?)```/gs),
    ([, text = ""]) => text,
  );
  const [install, ...others] = blocks;
  expect(install).toBe("npm ci && npm run package && apt-get install ./dist/netdevd_*.deb\n");
  expect(others.length).toBeGreaterThan(2);
  return others.join("");
}

/** The devices once every address is proven and nothing changes any more. */
async function settled(machine: Machine): Promise<Record<string, DeviceState>> {
  let last = await machine.netns.devices();
  return await until("the devices to settle", async () => {
    await Bun.sleep(200);
    const now = await machine.netns.devices();
    const same = Bun.deepEquals(now, last);
    last = now;
    return same ? now : undefined;
  });
}
