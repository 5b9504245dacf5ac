import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";

// "`unchanged`: the same again. A known id in another namespace: the old attachment is brought home first if its
// process is dead, else `id-in-use`."

async function labWithDevice(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
  await lab.start(D0_AS_ETH1);
  return lab;
}

test("the same event again changes nothing, whichever status it tells", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  const inside = await container.netns.devices();
  for (const status of ["creating", "created", "running"]) {
    const verdict = await lab.event({ id: "c1", status, pid: container.pid });
    expect(verdict).toMatchObject({ id: "c1", outcome: "unchanged", error: null });
  }
  expect(await container.netns.devices()).toEqual(inside);
  expect((await lab.daemon.status()).containers).toHaveLength(1);
});

test("what the container changed by itself is not undone by the same event again", async () => {
  await using lab = await labWithDevice();
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
  await container.netns.ip("link set eth1 mtu 1300", "addr flush dev eth1");
  const inside = await container.netns.devices();
  expect((await lab.attach("c1", container)).outcome).toBe("unchanged");
  expect(await container.netns.devices()).toEqual(inside);
});

test("a known id in another namespace is refused while its process lives: id-in-use", async () => {
  await using lab = await labWithDevice();
  const [first, second] = [await lab.container(), await lab.container()];
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  expect(await lab.attach("c1", second)).toMatchObject({ outcome: "refused", error: { code: "id-in-use" } });
  expect(await first.netns.names()).toContain("eth1");
  expect(await second.netns.names()).toEqual(["witness"]);

  const planned = await lab.plan({ id: "c1", status: "creating", pid: second.pid });
  expect(planned).toMatchObject({ code: 1, stdout: expect.stringContaining("conflict: id-in-use: ") });
  const gone = await lab.container();
  await gone.kill();
  const { stdout } = await lab.plan({ id: "c1", status: "creating", pid: gone.pid });
  expect(stdout).toContain("conflict: process-gone: ");
  expect(stdout).not.toContain("id-in-use");
  await first.kill();
  await lab.daemon.empty();
  expect((await lab.plan({ id: "c1", status: "creating", pid: second.pid })).code).toBe(0);
});

test("a known id in another namespace gets the devices when its old process is dead", async () => {
  await using lab = await labWithDevice();
  const before = await lab.host.device("d0");
  const [first, second] = [await lab.container(), await lab.container()];
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  // Stopped, the daemon cannot hear of the death before it reads the event.
  lab.daemon.signal("SIGSTOP");
  await first.kill();
  const event = lab.drop({ id: "c1", status: "creating", pid: second.pid });
  lab.daemon.signal("SIGCONT");

  expect(await lab.verdict(event)).toMatchObject({ outcome: "attached", error: null });
  expect(await second.netns.device("eth1")).toMatchObject({ up: true, mtu: 1400 });
  expect((await lab.daemon.status()).containers).toMatchObject([
    { id: "c1", pid: second.pid, state: "attached" },
  ]);
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.device("d0")).toEqual(before);
});
