import { expect } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attachedContainer, furnished } from "../helpers/furnished.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// "The daemon may be killed at any instant and started again", and the container may end in between: a virtual
// device would be deleted with the namespace that nobody holds.

const ANY = mappingFor("c*", 'match = { name = "d0" }\nname = "eth1"');

async function attached(kind: "veth" | "macvlan") {
  const lab = await Lab.create();
  const before = await furnished(lab.host, kind);
  await lab.start(ANY);
  const container = await attachedContainer(lab, "c1");
  return { lab, container, before };
}

for (const kind of ["veth", "macvlan"] as const) {
  test(`a ${kind} survives the death of the daemon and of its container: the next start brings it home`, async () => {
    const { lab, container, before } = await attached(kind);
    await using _ = lab;
    await lab.daemon.end("SIGKILL");
    await container.kill();

    await lab.start();
    await lab.daemon.empty();
    expect(await lab.host.devices()).toEqual(before);
    expect(readdirSync(join(lab.state, "pins"))).toEqual([]);
  });
}

test("`release --all` brings a device home whose daemon and container are both dead", async () => {
  const { lab, container, before } = await attached("veth");
  await using _ = lab;
  await lab.daemon.end("SIGKILL");
  await container.kill();

  const { code, stdout } = await lab.netdevd("release", "--all");
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("d0 is home") });
  expect(await lab.host.devices()).toEqual(before);
  expect(readdirSync(join(lab.state, "pins"))).toEqual([]);
});

test("a stop, the container's end and a start lose nothing either", async () => {
  const { lab, container, before } = await attached("veth");
  await using _ = lab;
  expect(await lab.daemon.end("SIGTERM")).toBe(0);
  await container.kill();
  await lab.start();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a namespace is pinned once, however often the daemon starts, and let go with the last device", async () => {
  const { lab, container } = await attached("veth");
  await using _ = lab;
  const pins = async () =>
    (await lab.onHost("cat", "/proc/self/mounts")).stdout
      .split("\n")
      .filter((line) => line.includes(lab.state));
  expect(await pins()).toHaveLength(1);
  await lab.daemon.end("SIGKILL");
  await lab.start();
  expect(await pins()).toHaveLength(1);
  await container.kill();
  await lab.daemon.empty();
  expect(await pins()).toEqual([]);
});

test("where no namespace can be pinned it is told, and devices are attached all the same", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, "veth");
  writeFileSync(join(lab.state, "pins"), "a file where the folder should be");
  const daemon = await lab.start(ANY);
  const container = await attachedContainer(lab, "c1");
  expect(daemon.log()).toContain("cannot be pinned");
  await container.kill();
  await daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});
