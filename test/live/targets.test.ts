import { expect } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../helpers/command.ts";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";
import { startProcess } from "../helpers/process.ts";

// "Refused as targets: pid 0 and 1, the daemon's own namespace, a dead pid, a pid whose process started after the
// event was written, a path that is no network namespace (looked at without side effects)."

const NO_NAMESPACE = ["not-a-namespace", "no-namespace"];

type Target = { readonly pid: number } | { readonly netns: string };

const wrong: [title: string, codes: string[], target: (lab: Lab) => Target | Promise<Target>][] = [
  ["pid 0", ["pid-not-allowed"], () => ({ pid: 0 })],
  ["pid 1", ["pid-not-allowed"], () => ({ pid: 1 })],
  ["the daemon itself", ["host-namespace"], (lab) => ({ pid: lab.daemon.pid })],
  [
    "a process on the host (a container without a network of its own)",
    ["host-namespace"],
    (lab) => ({ pid: lab.hostPid }),
  ],
  ["the host's namespace by its path", ["host-namespace"], (lab) => ({ netns: lab.host.path })],
  ["the daemon's namespace as it sees it itself", ["host-namespace"], () => ({ netns: "/proc/self/ns/net" })],
  [
    "a dead process",
    ["process-gone"],
    async () => {
      const dead = await startProcess(["unshare", "--net"]);
      await dead.kill();
      return { pid: dead.pid };
    },
  ],
  ["a pid that no process can have", ["process-gone", "pid-not-allowed"], () => ({ pid: 2 ** 22 + 1 })],
  ["a path where nothing is", NO_NAMESPACE, (lab) => ({ netns: join(lab.folder, "nothing") })],
  [
    "a regular file",
    NO_NAMESPACE,
    (lab) => {
      writeFileSync(join(lab.folder, "file"), "");
      return { netns: join(lab.folder, "file") };
    },
  ],
  [
    "a folder",
    NO_NAMESPACE,
    (lab) => {
      mkdirSync(join(lab.folder, "folder"));
      return { netns: join(lab.folder, "folder") };
    },
  ],
  [
    // Opened to be read it would block whoever opens it.
    "a FIFO",
    NO_NAMESPACE,
    async (lab) => {
      await mustRun(["mkfifo", join(lab.folder, "fifo")]);
      return { netns: join(lab.folder, "fifo") };
    },
  ],
  ["a device file", NO_NAMESPACE, () => ({ netns: "/dev/zero" })],
  ["a file of /proc that is no namespace", NO_NAMESPACE, (lab) => ({ netns: `/proc/${lab.hostPid}/status` })],
  ["a mount namespace", NO_NAMESPACE, (lab) => ({ netns: `/proc/${lab.hostPid}/ns/mnt` })],
  ["a user namespace", NO_NAMESPACE, (lab) => ({ netns: `/proc/${lab.hostPid}/ns/user` })],
  [
    "a symbolic link that leads nowhere",
    NO_NAMESPACE,
    (lab) => {
      symlinkSync("/nowhere", join(lab.folder, "link"));
      return { netns: join(lab.folder, "link") };
    },
  ],
];

for (const [title, codes, target] of wrong) {
  test(`refused as a target: ${title}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), "link set d0 up");
    const before = await pictureOf(lab.host);
    await lab.start(D0_AS_ETH1);
    const verdict = await lab.event({ id: "c1", status: "running", ...(await target(lab)) });
    expect(verdict).toMatchObject({ id: "c1", outcome: "refused", devices: [] });
    expect(verdict.error?.code).toBeOneOf(codes);
    expect(await pictureOf(lab.host)).toEqual(before);
    expect((await lab.daemon.status()).containers).toEqual([]);
  });
}

test("refused as a target: a pid whose process started after the event was written", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const event = { id: "c1", status: "running", pid: container.pid };
  const old = await lab.event(event, { writtenAt: new Date(Date.now() - 60_000) });
  expect(old).toMatchObject({ outcome: "refused", error: { code: "pid-reused" } });
  expect(await container.netns.names()).toEqual(["witness"]);
  expect(await lab.event(event)).toMatchObject({ outcome: "attached" });
});

test("a container that started in the instant before the event is not taken for a reused pid", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  for (let round = 0; round < 20; round++) {
    const container = await startProcess(["unshare", "--net"]);
    const verdict = await lab.event({ id: "c1", status: "running", pid: container.pid });
    await container.kill();
    expect(verdict.error?.code).toBe("device-missing");
  }
});

test("a process that is a thread only, not a process, is no container", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  const daemon = await lab.start(D0_AS_ETH1);
  const thread = readdirSync(`/proc/${daemon.pid}/task`)
    .map(Number)
    .find((tid) => tid !== daemon.pid);
  const verdict = await lab.event({ id: "c1", status: "running", pid: thread });
  expect(verdict).toMatchObject({ outcome: "refused", devices: [] });
  expect(await lab.host.names()).toContain("d0");
});
