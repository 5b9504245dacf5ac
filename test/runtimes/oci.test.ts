import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import type { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";
import { makeBundle } from "./bundle.ts";
import { labForContainers, runtimeOf } from "./machine.ts";

// Real runtimes, with `netdevd hook` in the bundle's config.json: the container does not start before its devices
// are there, and they are home when it has ended, in whatever way.

/** A machine without usable cgroup controllers is no obstacle to what is tested here. */
const RUNTIMES = { runc: ["runc"], crun: ["crun", "--cgroup-manager=disabled"] };

async function started(): Promise<Lab> {
  const lab = await labForContainers();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    "addr add 192.0.2.1/24 dev d0",
    "addr add 2001:db8::1/64 dev d0 nodad",
  );
  await lab.start(D0_AS_ETH1);
  return lab;
}

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const run = (lab: Lab, ...args: string[]) => runtimeOf(lab, runtime)(...args);
  const deleting = (lab: Lab): AsyncDisposable => ({
    async [Symbol.asyncDispose]() {
      await run(lab, "delete", "--force", "c1");
    },
  });

  test(`${name}: the container's first process finds its device with its addresses, and it is home after it`, async () => {
    await using lab = await started();
    await using _container = deleting(lab);
    const before = await lab.host.device("d0");
    const bundle = makeBundle(lab, "ip addr show eth1");
    const { code, stdout, stderr } = await run(lab, "run", "--bundle", bundle, "c1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const word of ["UP", "192.0.2.1/24"]) expect(stdout).toContain(word);
    expect(stdout).toMatch(/2001:db8::1\/64 scope global(?! tentative)/);
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
  });

  test(`${name}: the container is killed, and nobody tells: the device is home`, async () => {
    await using lab = await started();
    await using _container = deleting(lab);
    const before = await lab.host.device("d0");
    const bundle = makeBundle(lab, "sleep 60");
    const pidFile = `${lab.folder}/pid`;
    // The container keeps what it is given as stdout and stderr, and a reader of a pipe would wait for its end.
    const created = await lab.onHost(
      ...["sh", "-c", 'exec "$@" </dev/null >/dev/null 2>&1', "sh"],
      ...[...runtime, "--root", `${lab.folder}/runtime`],
      ...["create", "--bundle", bundle, "--pid-file", pidFile, "c1"],
    );
    expect(created).toMatchObject({ code: 0 });
    expect(await lab.host.names()).not.toContain("d0");
    await run(lab, "start", "c1");
    process.kill(Number(await Bun.file(pidFile).text()), "SIGKILL");
    await lab.daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
    await until("the runtime to know that it ended", async () => {
      const { stdout } = await run(lab, "state", "c1");
      return stdout.includes("stopped");
    });
    expect(await run(lab, "delete", "c1")).toMatchObject({ code: 0 });
  });

  test(`${name}: a device that is not to be had fails the container before it starts`, async () => {
    await using lab = await started();
    await using _container = deleting(lab);
    await lab.host.ip("link set d0 name other");
    const bundle = makeBundle(lab, "echo started");
    const { code, stdout, stderr } = await run(lab, "run", "--bundle", bundle, "c1");
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    // crun gives a hook's stderr to nobody.
    if (name === "runc") expect(stderr).toContain("no device of the host has name = ");
  });
}
