import { expect } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, furnishedAddresses, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";
import type { Process } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

// "[oci] net_devices = true: also honour linux.netDevices of the event's BUNDLE/config.json; allow: which host devices a
// bundle may ask for (globs)."

const HONOURED = '[oci]\nnet_devices = true\nallow = ["d*"]\n';

/** A lab with d0 and d1, and a config that says `config`. */
async function labWith(config: string): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    ...makeDevice("tap", "d1"),
    ...furnish("d1"),
  );
  lab.configure(config);
  return lab;
}

/** A bundle named `name`, with a config.json as `runc spec` writes it and these netDevices. Gives its path. */
function bundleAsking(lab: Lab, name: string, netDevices: unknown): string {
  const bundle = join(lab.folder, name);
  mkdirSync(join(bundle, "rootfs"), { recursive: true });
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  const config = {
    ociVersion: "1.3.0",
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
      maskedPaths: ["/proc/acpi", "/proc/kcore"],
      netDevices,
    },
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config, null, "\t"));
  return bundle;
}

function eventOf(id: string, { pid }: Process, bundle: string) {
  return { ociVersion: "1.3.0", id, status: "creating", pid, bundle };
}

const ETH0_AND_ETH1 = { d0: { name: "eth0" }, d1: { name: "eth1" } };

/** What a runtime of OCI 1.3 does with d0: under the name that it shall have inside, up, with two addresses. */
async function movedAsRuntime(lab: Lab, { pid, netns }: Process): Promise<void> {
  await lab.host.ip(`link set d0 netns ${pid} name eth0`);
  await netns.ip(
    "link set eth0 up",
    "addr add 192.0.2.1/24 dev eth0",
    "addr add 2001:db8:1::1/64 dev eth0 nodad",
  );
}

test("a container of no mapping gets what its bundle asks for, and gives it back as it was", async () => {
  await using lab = await labWith(HONOURED);
  const before = await lab.host.devices();
  await lab.start();
  const bundle = bundleAsking(lab, "b", { d1: { name: "net%d" }, d0: { name: "eth0" } });
  const container = await lab.container();
  const verdict = await lab.event(eventOf("c1", container, bundle));
  expect(verdict).toMatchObject({
    outcome: "attached",
    mapping: "linux.netDevices",
    devices: [
      { host_name: "d1", name: "net0" },
      { host_name: "d0", name: "eth0" },
    ],
    error: null,
  });
  expect(await container.netns.device("eth0")).toMatchObject({
    up: true,
    mtu: 1400,
    addresses: furnishedAddresses("eth0"),
  });
  expect((await lab.daemon.status()).containers).toMatchObject([
    { id: "c1", mapping: "linux.netDevices", state: "attached" },
  ]);
  expect(await lab.event(eventOf("c1", container, bundle))).toMatchObject({ outcome: "unchanged" });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a mapping and a bundle together, and what both ask for as the mapping has it", async () => {
  await using lab = await labWith(HONOURED + mappingFor("c1", 'match = { name = "d0" }\nname = "eth1"'));
  const before = await lab.host.devices();
  await lab.start();
  const bundle = bundleAsking(lab, "b", { d0: { name: "other" }, d1: {} });
  const container = await lab.container();
  expect(await lab.event(eventOf("c1", container, bundle))).toMatchObject({
    outcome: "attached",
    mapping: "for-c1",
    devices: [
      { host_name: "d0", name: "eth1" },
      { host_name: "d1", name: "d1" },
    ],
  });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a device that is not allowed is refused, with what to add, and a hook says so", async () => {
  await using lab = await labWith('[oci]\nnet_devices = true\nallow = ["d1"]\n');
  const before = await pictureOf(lab.host);
  await lab.start();
  const bundle = bundleAsking(lab, "b", { d1: {}, d0: {} });
  const container = await lab.container();
  const event = eventOf("c1", container, bundle);
  const verdict = await lab.event(event);
  expect(verdict).toMatchObject({
    outcome: "refused",
    devices: [],
    error: { code: "device-not-allowed", device: "d0" },
  });
  expect(verdict.error?.message).toContain('add "d0" to `allow` in [oci]');
  const hook = await lab.netdevdReading(JSON.stringify(event), "hook");
  expect(hook.code).toBe(1);
  expect(hook.stderr).toContain('add "d0"');
  expect(await pictureOf(lab.host)).toEqual(before);
});

test("without `allow` a bundle gets nothing, and without `net_devices` nobody reads it", async () => {
  await using lab = await labWith("[oci]\nnet_devices = true\n");
  await lab.start();
  const container = await lab.container();
  const event = eventOf("c1", container, bundleAsking(lab, "b", { d0: {} }));
  expect((await lab.event(event)).error?.code).toBe("device-not-allowed");
  lab.configure('[oci]\nallow = ["*"]\n');
  lab.daemon.signal("SIGHUP");
  await until("nobody to read it", async () => (await lab.event(event)).outcome === "no-mapping");
});

/** What somebody who may write to a bundle may put there, and what is said of it. */
const strange: [what: string, make: (lab: Lab, path: string) => void, says: string][] = [
  ["a FIFO", (_, path) => Bun.spawnSync(["mkfifo", path]), "found a FIFO"],
  ["a symbolic link", (lab, path) => symlinkSync(lab.config, path), "found a symbolic link"],
  ["a folder", (_, path) => mkdirSync(path), "found a folder"],
  ["a device", (_, path) => Bun.spawnSync(["mknod", path, "c", "1", "5"]), "found a device"],
  [
    "4 GiB",
    (_, path) => {
      writeFileSync(path, "");
      truncateSync(path, 4 * 1024 ** 3);
    },
    "expected 4194304 bytes at most, found 4294967296",
  ],
  ["4 MiB of brackets", (_, path) => writeFileSync(path, "[".repeat(4 * 1024 * 1024)), "line 1, column"],
  ["no JSON", (_, path) => writeFileSync(path, '{\n  "linux": nil\n}'), "line 2, column 12"],
  [
    "of another shape",
    (_, path) => writeFileSync(path, '{"linux":{"netDevices":[{"name":"d0"}]}}'),
    "linux.netDevices: expected an object, found an array",
  ],
  [
    "of a name that no device has",
    (_, path) => writeFileSync(path, '{"linux":{"netDevices":{"../d0":{}}}}'),
    'the name "../d0" of a device holds',
  ],
];

for (const [what, make, says] of strange) {
  test(`a config.json that is ${what} is refused with file and place, and others are answered as ever`, async () => {
    await using lab = await labWith(HONOURED + mappingFor("c2", 'match = { name = "d1" }'));
    const before = await pictureOf(lab.host);
    await lab.start();
    const bundle = bundleAsking(lab, "b", {});
    const path = join(bundle, "config.json");
    rmSync(path);
    make(lab, path);
    const [container, other] = [await lab.container(), await lab.container()];
    const verdict = await lab.event(eventOf("c1", container, bundle));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "bundle-invalid" } });
    expect(verdict.error?.message).toStartWith(`${path}: `);
    expect(verdict.error?.message).toContain(says);
    expect((await lab.attach("c2", other)).outcome).toBe("attached");
    await other.kill();
    await lab.daemon.empty();
    expect(await pictureOf(lab.host)).toEqual(before);
  });
}

test("a bundle without a config.json asks for nothing", async () => {
  await using lab = await labWith(HONOURED + mappingFor("c2", 'match = { name = "d1" }'));
  await lab.start();
  const container = await lab.container();
  expect((await lab.event(eventOf("c1", container, lab.folder))).outcome).toBe("no-mapping");
  expect((await lab.event(eventOf("c2", container, "/no/bundle"))).devices).toMatchObject([{ name: "d1" }]);
});

test("a device that the runtime has moved itself comes home as it is inside, under its own name", async () => {
  await using lab = await labWith(HONOURED);
  const before = await lab.host.devices();
  await lab.start();
  const container = await lab.container();
  await movedAsRuntime(lab, container);
  const verdict = await lab.event(eventOf("c1", container, bundleAsking(lab, "b", ETH0_AND_ETH1)));
  expect(verdict).toMatchObject({
    outcome: "attached",
    devices: [
      { host_name: "d0", name: "eth0" },
      { host_name: "d1", name: "eth1" },
    ],
    error: null,
  });
  expect(verdict.warnings).toContainEqual(
    expect.objectContaining({ code: "moved-by-runtime", device: "d0" }),
  );
  expect((await container.netns.device("eth0")).addresses).toEqual([
    "192.0.2.1/24",
    "2001:db8:1::1/64 nodad",
  ]);
  await container.kill();
  await lab.daemon.empty();
  const addresses = ["192.0.2.1/24", "2001:db8:1::1/64 nodad"];
  const home = await lab.host.devices();
  expect(home).toMatchObject({ ...before, d0: { ...before.d0, addresses } });
});

test("what it has moved before the daemon began is told, and the container starts", async () => {
  await using lab = await labWith(HONOURED);
  const container = await lab.container();
  await movedAsRuntime(lab, container);
  await lab.start();
  const verdict = await lab.event(eventOf("c1", container, bundleAsking(lab, "b", ETH0_AND_ETH1)));
  expect(verdict).toMatchObject({ outcome: "attached", devices: [{ host_name: "d1", name: "eth1" }] });
  expect(verdict.warnings).toContainEqual(
    expect.objectContaining({ code: "moved-by-runtime", device: "d0" }),
  );
  expect(await container.netns.names()).toEqual(expect.arrayContaining(["eth0", "eth1"]));
});

test("containers of a pod share what they ask for alike, and have the rest beside it", async () => {
  await using lab = await labWith(HONOURED);
  const before = await lab.host.devices();
  await lab.start();
  const first = await lab.container();
  const second = await lab.container({ sharing: first });
  await lab.event(eventOf("pod-a", first, bundleAsking(lab, "a", { d0: {} })));
  const verdict = await lab.event(eventOf("pod-b", second, bundleAsking(lab, "b", { d0: {}, d1: {} })));
  expect(verdict).toMatchObject({ outcome: "attached", devices: [{ name: "d0" }, { name: "d1" }] });
  const { containers } = await lab.daemon.status();
  expect(containers.map(({ id, devices }) => [id, devices.map(({ name }) => name)])).toEqual([
    ["pod-a", ["d0"]],
    ["pod-b", ["d0", "d1"]],
  ]);
  await first.kill();
  await Bun.sleep(150);
  expect(await second.netns.names()).toEqual(expect.arrayContaining(["d0", "d1"]));
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("what is attached lives on through SIGHUP and kill -9, whatever becomes of config and bundle", async () => {
  await using lab = await labWith(HONOURED);
  const before = await lab.host.devices();
  await lab.start();
  const bundle = bundleAsking(lab, "b", { d0: { name: "eth0" } });
  const container = await lab.container();
  await lab.event(eventOf("c1", container, bundle));
  rmSync(bundle, { recursive: true });
  lab.configure("");
  lab.daemon.signal("SIGHUP");
  await until("the new config", async () => lab.daemon.log().includes("config read anew"));
  expect(await container.netns.names()).toContain("eth0");
  await lab.daemon.end("SIGKILL");
  await lab.start();
  expect(await container.netns.names()).toContain("eth0");
  expect(await lab.event(eventOf("c1", container, bundle))).toMatchObject({ outcome: "unchanged" });
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a plan tells what the bundle asks for, each step, and why it does not get it", async () => {
  await using lab = await labWith(HONOURED);
  const container = await lab.container();
  const event = eventOf("c1", container, bundleAsking(lab, "b", { d0: { name: "eth0" } }));
  const before = await pictureOf(lab.host);
  const good = await lab.plan(event);
  expect(good.code).toBe(0);
  expect(good.stdout).toContain("the bundle asks for d0 as eth0\n");
  expect(good.stdout).toContain("d0 -> eth0\n  1. move inside: name eth0");

  lab.configure('[oci]\nnet_devices = true\nallow = ["ens*"]\n');
  const refused = await lab.plan(event);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("the bundle asks for d0 as eth0\n");
  expect(refused.stdout).toContain("conflict: device-not-allowed: ");

  lab.configure("");
  expect((await lab.plan(event)).code).toBe(3);
  expect(await pictureOf(lab.host)).toEqual(before);
});
