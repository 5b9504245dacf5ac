import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { netdevd } from "../helpers/program.ts";
import { makeBundle } from "./bundle.ts";

// podman calls netdevd by the file that is shipped for it, config/hooks.d/netdevd.json.

const SHIPPED = join(import.meta.dir, "../../config/hooks.d/netdevd.json");
const DEVICE = 'match = { name = "d0" }\nname = "eth1"';

/** A podman of the lab's own, with the shipped hook; `run` gives what `podman ARGS` came to. */
async function started() {
  const lab = await Lab.create();
  const { folder } = lab;
  await lab.onHost("mount", "-t", "sysfs", "sysfs", "/sys");
  await lab.onHost("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup");
  await lab.onHost("mount", "-t", "tmpfs", "tmpfs", "/run");
  await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up", "addr add 192.0.2.1/24 dev d0");
  await lab.start(mappingFor("*", DEVICE));
  const hooks = join(folder, "hooks.d");
  mkdirSync(hooks);
  const [path, ...args] = netdevd("hook", "--config", lab.config);
  const shipped = JSON.parse(readFileSync(SHIPPED, "utf8"));
  // The program under test in the place of the installed one; all else is as shipped.
  const hook = { ...shipped.hook, path, args: [path, ...args] };
  writeFileSync(join(hooks, "netdevd.json"), JSON.stringify({ ...shipped, hook }));
  const root = join(makeBundle(lab, ""), "rootfs");
  const podman = [
    "podman",
    ...["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--tmpdir", join(folder, "tmp")],
    ...["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"],
    ...["--hooks-dir", hooks, "--runtime", "runc"],
  ];
  // What a container of the machine may have, and this machine's containers may not.
  const limits = ["--pids-limit", "0", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];
  const options = ["--rm", "--network", "none", "--security-opt", "seccomp=unconfined", ...limits];
  return {
    lab,
    run: (annotation: readonly string[], command: string) =>
      lab.onHost(...podman, "run", ...options, ...annotation, "--rootfs", root, "/bin/sh", "-c", command),
    async [Symbol.asyncDispose]() {
      await lab.onHost(...podman, "rm", "--force", "--all", "--time", "0");
      const groups = "/sys/fs/cgroup/libpod_parent";
      await lab.onHost(
        "sh",
        "-c",
        `umount --recursive ${join(folder, "store")}; rmdir ${groups}/* ${groups}`,
      );
      await lab[Symbol.asyncDispose]();
    },
  };
}

test("podman: an annotated container has its device when it starts, and it is home when it has ended", async () => {
  await using podman = await started();
  const before = await podman.lab.host.device("d0");
  const { code, stdout } = await podman.run(["--annotation", "netdevd=1"], "ip addr show eth1");
  expect(code).toBe(0);
  expect(stdout).toContain("192.0.2.1/24");
  await podman.lab.daemon.empty();
  expect(await podman.lab.host.device("d0")).toEqual(before);
});

test("podman: a container without the annotation is left alone", async () => {
  await using podman = await started();
  const { code, stdout } = await podman.run([], "ip link");
  expect(code).toBe(0);
  expect(stdout).not.toContain("eth1");
  expect(await podman.lab.host.names()).toContain("d0");
});

test("podman: a device that is not to be had fails the container, with the reason", async () => {
  await using podman = await started();
  await podman.lab.host.ip("link set d0 name other");
  const { code, stdout, stderr } = await podman.run(["--annotation", "netdevd=1"], "echo started");
  expect(code).not.toBe(0);
  expect(stdout).not.toContain("started");
  expect(stderr).toContain("no device of the host has name");
});
