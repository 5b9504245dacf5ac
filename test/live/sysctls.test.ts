import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { sysctlPath } from "../../src/domain/sysctls.ts";
import { EVERYTHING } from "../../src/engine/aspects.ts";
import { createLinux } from "../../src/engine/linux.ts";
import { readSnapshot } from "../../src/engine/reader.ts";
import { sysctlFilesOf } from "../../src/engine/sysctls.ts";
import { connect } from "../../src/netlink/connection.ts";
import { decodeLink, getLinkByName } from "../../src/netlink/link.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { startProcess } from "../helpers/process.ts";

// "However the container, the daemon or its namespace ends, the device is home with its per-device sysctls."

const FOLDERS = ["ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh"];

/** All files of a device below /proc/sys/net, each as `ipv4/conf arp_ignore 1`. */
async function sysctls(netns: Namespace, device: string): Promise<string[]> {
  const script = FOLDERS.map(
    (folder) =>
      `for file in /proc/sys/net/${folder}/${device}/*; do echo "${folder} \${file##*/} $(cat $file 2>/dev/null)"; done`,
  );
  return (await netns.run("sh", "-c", script.join("\n"))).trim().split("\n");
}

async function write(netns: Namespace, device: string, values: Readonly<Record<string, number>>) {
  const lines = Object.entries(values).map(
    ([setting, value]) => `echo ${value} > ${sysctlPath(setting, device)}`,
  );
  await netns.run("sh", "-ec", lines.join("\n"));
}

for (const listens of [true, false]) {
  test(`a device is home with its IPv6 token, listening to routers: ${listens}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
    await lab.host.ip("token set ::a:b:c:d dev d0");
    if (!listens) await write(lab.host, "d0", { "ipv6.accept_ra": 0 });
    const token = () => lab.host.run("ip", "token", "list", "dev", "d0");
    expect(await token()).toBe("token ::a:b:c:d dev d0\n");
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
    expect(await container.netns.run("ip", "token", "list", "dev", "eth1")).toBe("token :: dev eth1\n");
    await container.kill();
    await lab.daemon.empty();
    expect(await token()).toBe("token ::a:b:c:d dev d0\n");
    expect(lab.daemon.log()).not.toContain("not-as-wanted");
  });
}

/** Some of each sort; none is what a device begins with. */
const CHANGED = {
  "ipv4.rp_filter": 2,
  "ipv4.arp_ignore": 1,
  "ipv4.forwarding": 1,
  "ipv4.medium_id": -1,
  "ipv4.neigh.app_solicit": 3,
  "ipv4.neigh.base_reachable_time_ms": 12345,
  "ipv6.accept_ra": 0,
  "ipv6.forwarding": 1,
  "ipv6.addr_gen_mode": 1,
  "ipv6.mtu": 1300,
  "ipv6.router_solicitation_interval": 7,
  "ipv6.ioam6_id_wide": 4000000000,
  "ipv6.regen_min_advance": 5,
  "ipv6.neigh.gc_stale_time": 61,
};

test("every setting of a device is told for what its file says", async () => {
  await using host = await startProcess(["unshare", "--net"]);
  await host.netns.ip("link add d0 type veth peer name d1");
  await write(host.netns, "d0", CHANGED);
  using linux = enter(host.pid);
  const snapshot = linux.read("d0");
  const told = Object.entries(snapshot?.sysctls ?? {}).map(([setting, value]) => {
    const [, , , , family, folder, , file] = (sysctlPath(setting, "d0") ?? "").split("/");
    return `${family}/${folder} ${file} ${value}`;
  });
  // What is left out is no setting, cannot be set, is a secret, or is the same as another one in other units.
  const out = / (mc_forwarding|stable_secret|base_reachable_time|retrans_time|unres_qlen) /;
  const files = (await sysctls(host.netns, "d0")).filter((line) => !out.test(line));
  expect(told.toSorted()).toEqual(files.toSorted());
  expect(readdirSync("/proc/sys/net/ipv4/conf")).not.toContain("d0");
});

/** The namespace of a process as the daemon reads it. */
function enter(pid: number) {
  const system = createLinux();
  const fd = system.open(`/proc/${pid}/ns/net`);
  const socket = system.enter(fd);
  const connection = connect(socket);
  return {
    read(name: string) {
      const [reply] = connection.request(getLinkByName(name));
      const { ifindex } = decodeLink(reply?.payload ?? new Uint8Array());
      return readSnapshot({ connection, files: sysctlFilesOf(system, fd) }, ifindex, 0, EVERYTHING);
    },
    [Symbol.dispose]() {
      socket[Symbol.dispose]();
      system.close(fd);
      system.close(system.homeFd);
    },
  };
}

for (const kind of ["veth", "macvlan", "tap", "ifb", "vxlan"] as const) {
  test(`a ${kind} is home with every setting that it had`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice(kind, "d0"), ...furnish("d0"));
    await write(lab.host, "d0", CHANGED);
    const before = { devices: await lab.host.devices(), sysctls: await sysctls(lab.host, "d0") };
    await lab.start(D0_AS_ETH1);
    const container = await lab.container();
    expect((await lab.attach("c1", container)).warnings).toEqual([]);
    // Inside it begins anew.
    expect(await sysctls(container.netns, "eth1")).toContain("ipv4/conf arp_ignore 0");
    await write(container.netns, "eth1", { "ipv4.arp_ignore": 2, "ipv6.hop_limit": 9 });

    await container.kill();
    await lab.daemon.empty();
    expect({ devices: await lab.host.devices(), sysctls: await sysctls(lab.host, "d0") }).toEqual(before);
    expect(lab.daemon.log()).not.toContain("not-as-wanted");
  });
}

test("a device that could not stay inside is home with every setting that it had", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"), ...furnish("d0"));
  await write(lab.host, "d0", CHANGED);
  const before = { devices: await lab.host.devices(), sysctls: await sysctls(lab.host, "d0") };
  await lab.start(mappingFor("c1", 'match = { name = "d0" }\nmac = "02:00:00:00:00:04"'));
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("failed");
  expect({ devices: await lab.host.devices(), sysctls: await sysctls(lab.host, "d0") }).toEqual(before);
});
