import { expect } from "bun:test";
import { join } from "node:path";
import { treeOf } from "../helpers/debian.ts";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import type { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";
import { makeBundle } from "./bundle.ts";
import { labForContainers, runtimeOf } from "./machine.ts";

// A runtime of OCI 1.3, which moves the `linux.netDevices` of a bundle itself, before it calls the hooks: crun of Debian
// testing, run from an unpacked tree by the C library of that tree. Started by its path: `npm test` is not to hang on
// what testing has today.

const BUILD_LIMIT_MS = 600_000;
const HONOURED = '[oci]\nnet_devices = true\nallow = ["d*"]\n';
const D0_AS_ETH1 = mappingFor("c1", 'match = { name = "d0" }\nname = "eth1"');

function crun(lab: Lab) {
  const tree = treeOf("testing", ["crun"], "testing-crun");
  const libraries = join(tree, "usr/lib/x86_64-linux-gnu");
  const ownLoader = [join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries];
  return runtimeOf(lab, [...ownLoader, join(tree, "usr/bin/crun"), "--cgroup-manager=disabled"]);
}

async function labWith(config: string): Promise<Lab> {
  const lab = await labForContainers();
  for (const name of ["d0", "d1"]) await lab.host.ip(...makeDevice("veth", name));
  await lab.host.ip(...furnish("d0"), "link set d1 up");
  await lab.start(config);
  return lab;
}

/** crun gives a device its IPv6 addresses again in the order in which the kernel tells of them, and that turns it round. */
function inAnyOrder(devices: Record<string, DeviceState>): unknown {
  return Object.values(devices).map((one) => ({ ...one, addresses: one.addresses.toSorted() }));
}

test(
  "it knows of netDevices",
  async () => {
    await using lab = await labForContainers();
    const { stdout } = await crun(lab)("features");
    expect(JSON.parse(stdout)).toMatchObject({ linux: { netDevices: { enabled: true } } });
  },
  BUILD_LIMIT_MS,
);

test("what a mapping gives is there with its addresses, and home after it with all that it had", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  const before = await lab.host.devices();
  const bundle = makeBundle(lab, "ip addr show eth1", {});
  const { code, stdout, stderr } = await crun(lab)("run", "--bundle", bundle, "c1");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("192.0.2.1/24");
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("what the runtime has moved itself is home when the container has ended, under its own name and with its addresses", async () => {
  await using lab = await labWith(HONOURED);
  const before = await lab.host.devices();
  const bundle = makeBundle(lab, "ip addr show eth1", { d0: { name: "eth1" } });
  const { code, stdout, stderr } = await crun(lab)("run", "--bundle", bundle, "c1");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("192.0.2.1/24");
  await lab.daemon.empty();
  expect(lab.daemon.log()).toMatch(
    /level=warning msg="d0 is inside already, called eth1: .*, and it comes home as it is now.* code=moved-by-runtime/,
  );
  await until("its addresses to be proven again", async () =>
    Bun.deepEquals(inAnyOrder(await lab.host.devices()), inAnyOrder(before)),
  );
});

test("where netdevd is not to honour bundles it is lost with the container", async () => {
  await using lab = await labWith("");
  const bundle = makeBundle(lab, "ip addr show eth1", { d0: { name: "eth1" } });
  expect(await crun(lab)("run", "--bundle", bundle, "c1")).toMatchObject({ code: 0 });
  // The kernel destroys a virtual device with its namespace.
  expect(await lab.host.names()).toEqual(["d1", "d1-far"]);
});

test("a mapping beside the runtime: each moves what it was asked for, and both come home", async () => {
  await using lab = await labWith(HONOURED + D0_AS_ETH1);
  const before = await lab.host.devices();
  const bundle = makeBundle(lab, "ip addr show", { d1: { name: "eth2" } });
  const { code, stdout } = await crun(lab)("run", "--bundle", bundle, "c1");
  expect(code).toBe(0);
  for (const name of ["eth1", "eth2"]) expect(stdout).toContain(`: ${name}@`);
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("asked for by both, the runtime is first: the mapping's is told, and the container does not start", async () => {
  await using lab = await labWith(D0_AS_ETH1);
  const bundle = makeBundle(lab, "echo started", { d0: { name: "eth1" } });
  const { code, stdout } = await crun(lab)("run", "--bundle", bundle, "c1");
  expect({ code: code === 0, stdout }).toEqual({ code: false, stdout: "" });
});
