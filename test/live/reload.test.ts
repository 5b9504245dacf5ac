import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingFor } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";

// "SIGHUP reloads the config: the new one is validated first, a bad one changes nothing and is reported;
// attachments live on."

test("a good config is in force after SIGHUP, and attachments live on", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("ifb", "d1"));
  const before = await lab.host.devices();
  await lab.start(D0_AS_ETH1);
  const first = await lab.container();
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  const second = await lab.container();
  expect((await lab.attach("c2", second)).outcome).toBe("no-mapping");

  lab.configure(mappingFor("c2", 'match = { name = "d1" }'));
  lab.daemon.signal("SIGHUP");
  await until(
    "the new config to be in force",
    async () => (await lab.attach("c2", second)).outcome === "attached",
  );
  expect(await first.netns.names()).toContain("eth1");
  expect((await lab.daemon.status()).containers.map(({ id }) => id).toSorted()).toEqual(["c1", "c2"]);
  await first.kill();
  await second.kill();
  await lab.daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
});

test("a bad config changes nothing, is told by readyz and log, and a good one mends it", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  writeFileSync(lab.config, "nonsense = 1\n");
  lab.daemon.signal("SIGHUP");
  await until("readyz to tell it", async () => (await lab.daemon.get("/readyz")).status === 503);
  expect(await (await lab.daemon.get("/readyz")).text()).toMatch(/config/i);
  expect(lab.daemon.log()).toContain(`${lab.config}:1:1`);
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  lab.configure(D0_AS_ETH1);
  lab.daemon.signal("SIGHUP");
  await until("readyz to be 200", async () => (await lab.daemon.get("/readyz")).status === 200);
});
