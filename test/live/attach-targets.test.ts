import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";

// "The OCI container state as a runtime hands it to a hook, or the same object with `netns` in place of `pid`;
// unknown members are ignored. creating, created, running: attach."

async function labWithDevice(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(D0_AS_ETH1);
  return lab;
}

for (const status of ["creating", "created", "running"]) {
  test(`a container that is ${status} gets its device`, async () => {
    await using lab = await labWithDevice();
    const container = await lab.container();
    const verdict = await lab.event({ id: "c1", status, pid: container.pid });
    expect(verdict.outcome).toBe("attached");
    expect(await container.netns.names()).toContain("eth1");
  });
}

test("the state that crun hands to a hook, spread over lines and with a key of its own, is an event", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container();
  const state = {
    ociVersion: "1.0",
    id: "c1",
    pid: container.pid,
    root: "rootfs",
    bundle: "/b",
    status: "created",
    annotations: { "org.example": "a" },
  };
  const verdict = await lab.event(`${JSON.stringify(state, null, 4)}\n`);
  expect(verdict.outcome).toBe("attached");
});

test("a namespace may be named by the path of a process's namespace", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container();
  const before = await lab.host.devices();
  const verdict = await lab.event({ id: "c1", status: "running", netns: container.netns.path });
  expect(verdict.outcome).toBe("attached");
  expect(await container.netns.names()).toContain("eth1");

  expect((await lab.event({ id: "c1", status: "stopped" })).outcome).toBe("returned");
  expect(await lab.host.devices()).toEqual(before);
});

test("a namespace may be named by a bind mount, and then lives without any process", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container();
  const before = await lab.host.devices();
  const path = join(lab.folder, "pod");
  writeFileSync(path, "");
  expect(await lab.onHost("mount", "--bind", container.netns.path, path)).toMatchObject({ code: 0 });
  const verdict = await lab.event({ id: "c1", status: "running", netns: path });
  expect(verdict.outcome).toBe("attached");
  expect(await container.netns.names()).toContain("eth1");

  await container.kill();
  const { containers } = await lab.daemon.status();
  expect(containers).toMatchObject([{ id: "c1", netns: path, state: "attached" }]);
  expect(await lab.host.names()).not.toContain("d0");

  expect((await lab.event({ id: "c1", status: "stopped" })).outcome).toBe("returned");
  expect(await lab.host.devices()).toEqual(before);
  expect(await lab.onHost("umount", path)).toMatchObject({ code: 0 });
});

test("a namespace may be owned by the container's own user namespace", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container({ userNamespace: true });
  const before = await lab.host.devices();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  expect(await container.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });

  await container.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
