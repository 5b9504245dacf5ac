import { expect } from "bun:test";
import { furnish, furnishedAddresses, KINDS, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";

// "What the container gets: the device under the wanted name, up, with MTU, MAC and every permanent global
// address kept. What comes home, however the container ended: the same device … as they were."

for (const kind of KINDS) {
  test(`a ${kind} goes in with all that it has and comes home with all that it had`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice(kind, "d0"), ...furnish("d0"));
    const before = await lab.host.device("d0");
    const daemon = await lab.start(D0_AS_ETH1);
    const container = await lab.container();

    const verdict = await lab.attach("c1", container);
    const inside = await container.netns.device("eth1");
    expect(verdict).toMatchObject({
      id: "c1",
      outcome: "attached",
      mapping: "for-c1",
      devices: [{ host_name: "d0", name: "eth1", ifindex: inside.ifindex }],
      warnings: [],
      error: null,
    });
    expect(inside).toEqual({
      ...before,
      name: "eth1",
      ifindex: inside.ifindex,
      addresses: furnishedAddresses("eth1"),
      rest: inside.rest,
    });
    expect(inside.rest).toMatchObject({
      flags: before.rest.flags,
      linkinfo: { info_kind: expect.anything() },
    });
    expect(await lab.host.names()).not.toContain("d0");

    await container.kill();
    await daemon.empty();
    expect(await lab.host.device("d0")).toEqual(before);
  });
}
