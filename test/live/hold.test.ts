import { expect } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { serviceManagerAt } from "../helpers/service-manager.ts";
import { until } from "../helpers/until.ts";

// A daemon under a service manager that has an fd store has that hold its namespaces, and makes no mounts: in a
// sandbox they would end with it. systemd before 254 lets go of all that a unit has stored when it is stopped:
// `netdevd hold` pins the namespaces before that, and the next start takes them over.

const ANY = mappingFor("c*", 'match = { name = "d0" }\nname = "eth1"');

/** A lab whose daemon is told of a service manager, with d0 attached to c1. */
async function attached() {
  const lab = await Lab.create();
  const manager = serviceManagerAt(join(lab.folder, "notify"));
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  const before = await lab.host.devices();
  await lab.start(ANY, { environment: manager.environment });
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const pins = () => {
    const folder = join(lab.state, "pins");
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  return { lab, manager, container, before, pins };
}

test("the manager holds a container's namespace, by its cookie, while a device is in it; no mount does", async () => {
  const { lab, manager, container, pins } = await attached();
  using _ = manager;
  await using _lab = lab;
  expect(manager.names()).toEqual([expect.stringMatching(/^netns-\d+$/)]);
  expect(pins()).toEqual([]);
  const [stored, ...after] = manager.told.slice(
    manager.told.findIndex((text) => text.startsWith("FDSTORE=1")),
  );
  expect(stored).toMatch(/^FDSTORE=1\nFDNAME=netns-\d+$/);
  expect(after[0]).toBe("BARRIER=1");
  await container.kill();
  await lab.daemon.empty();
  await until("the manager to hold nothing", () => manager.names().length === 0);
});

test("what is told for a person: mappings, devices and containers, and what is wrong", async () => {
  const { lab, manager, container } = await attached();
  using _ = manager;
  await using _lab = lab;
  const last = () => manager.told.findLast((text) => text.includes("STATUS="))?.split("STATUS=")[1];
  await until("the status", () => last() === "ready: 1 mapping, 1 device of 1 container away");
  expect(manager.told).toContain("READY=1\nSTATUS=ready: 1 mapping, no device is away");
  lab.configure("[[mapping]]\nnam = 1\n");
  lab.daemon.signal("SIGHUP");
  await until("the fault", () => last()?.startsWith("degraded: 1 mapping") === true);
  expect(manager.told.filter((text) => text.startsWith("RELOADING=1\nMONOTONIC_USEC="))).toHaveLength(1);
  lab.configure(ANY);
  lab.daemon.signal("SIGHUP");
  await until("all to be well", () => last() === "ready: 1 mapping, 1 device of 1 container away");
  await container.kill();
  await until("the device to be home", () => last() === "ready: 1 mapping, no device is away");
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`hold, ${signal}, an empty store, the container's end, a start: the device is home, nothing is held`, async () => {
    const { lab, manager, container, before, pins } = await attached();
    using _ = manager;
    await using _lab = lab;
    expect(await lab.netdevd("hold")).toEqual({ code: 0, stdout: "", stderr: "1 namespace kept\n" });
    expect(await lab.netdevd("hold")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(pins()).toHaveLength(1);
    await lab.daemon.end(signal);
    manager.drop();
    await container.kill();

    await lab.start(ANY, { environment: manager.environment });
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
    expect((await lab.netdevd("hold", "--drop")).code).toBe(0);
    expect(pins()).toEqual([]);
    await until("the manager to hold nothing", () => manager.names().length === 0);
  });
}

test("held when the daemon is dead already: the container's own process leads to its namespace", async () => {
  const { lab, manager, container, before, pins } = await attached();
  using _ = manager;
  await using _lab = lab;
  await lab.daemon.end("SIGKILL");
  manager.drop();
  expect((await lab.netdevd("hold")).code).toBe(0);
  expect(pins()).toHaveLength(1);
  await container.kill();
  expect(await lab.netdevd("hold", "--drop")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no daemon runs"),
  });
  expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0, stdout: "d0 is home\n" });
  expect(await lab.host.devices()).toEqual(before);
  expect(pins()).toEqual([]);
});

test("a new daemon has the manager hold what it adopts, so that the mounts can go", async () => {
  const { lab, manager, container, before, pins } = await attached();
  using _ = manager;
  await using _lab = lab;
  await lab.netdevd("hold");
  await lab.daemon.end("SIGTERM");
  manager.drop();
  await lab.start(ANY, { environment: manager.environment });
  expect(manager.names()).toHaveLength(1);
  await lab.netdevd("hold", "--drop");
  expect(pins()).toEqual([]);
  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a namespace that nobody holds any more is told: exit 1", async () => {
  const { lab, manager, container } = await attached();
  using _ = manager;
  await using _lab = lab;
  await lab.daemon.end("SIGKILL");
  manager.drop();
  await container.kill();
  const { code, stderr } = await lab.netdevd("hold");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^namespace \d+ cannot be reached any more/m),
  });
});
