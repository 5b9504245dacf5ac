import { expect } from "bun:test";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { expectPicture, pictureOf } from "../helpers/picture.ts";
import { attachWithObstacle } from "./attach-with-obstacle.ts";

// "When one step fails, the host is as it was", also where what stands in the way came when all had been looked at.

const DEVICES = [
  { match: { name: "d0" }, name: "eth0" },
  { match: { name: "d1" }, name: "eth1" },
  { match: { name: "d2" }, name: "eth2" },
];

async function hostOfThree(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("tap", "d1"));
  await lab.host.ip(...furnish("d1"), ...makeDevice("macvlan", "d2"), ...furnish("d2"));
  return lab;
}

for (const device of ["d0", "d1", "d2"]) {
  test(`an IPv6 address of ${device} that the container's namespace refuses`, async () => {
    await using lab = await hostOfThree();
    const container = await lab.container();
    const before = await pictureOf(lab.host);
    const verdict = await attachWithObstacle(lab, container, {
      devices: DEVICES,
      before: device,
      commands: [
        ["nsenter", `--net=${container.netns.path}`, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"],
      ],
    });
    expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { code: "step-failed", device } });
    expect(verdict.error?.message).toMatch(
      /add address 2001:db8:.*EACCES: ipv6: IPv6 is disabled on this device/,
    );
    await expectPicture(lab.host, before);
    expect(await container.netns.names()).toEqual(["witness"]);
  });

  test(`the container ends when ${device} is the next to go in`, async () => {
    await using lab = await hostOfThree();
    const container = await lab.container();
    const before = await pictureOf(lab.host);
    const verdict = await attachWithObstacle(lab, container, {
      devices: DEVICES,
      before: device,
      commands: [
        ["kill", "-9", String(container.pid)],
        ["sleep", "0.1"],
      ],
    });
    expect(verdict).toMatchObject({ outcome: "failed", devices: [], error: { code: "process-gone" } });
    await expectPicture(lab.host, before);
  });
}

test("the second device is no more when its turn comes", async () => {
  await using lab = await hostOfThree();
  const container = await lab.container();
  // As if it had not been there: what its own end takes along is not for anybody to put back.
  const verdict = await attachWithObstacle(lab, container, {
    devices: DEVICES,
    before: "d1",
    host: ["link del d1"],
  });
  expect(verdict).toMatchObject({
    outcome: "failed",
    devices: [],
    error: { code: "step-failed", device: "d1" },
  });
  expect(verdict.error?.message).toMatch(/^d1: move inside: .*ENODEV/);
  expect(verdict.warnings.map(({ code, device }) => [code, device])).toEqual([["device-missing", "d1"]]);
  await using same = await hostOfThree();
  await same.host.ip("link del d1");
  const expected = await same.host.devices();
  const found = await lab.host.devices();
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  expect(found.d0?.addresses).toEqual(expected.d0?.addresses ?? []);
  expect(found.d2?.addresses).toEqual(expected.d2?.addresses ?? []);
  expect(await container.netns.names()).toEqual(["witness"]);
});
