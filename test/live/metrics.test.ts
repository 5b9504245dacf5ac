import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { makeDevice } from "../helpers/devices.ts";
import { metric, parseExposition } from "../helpers/exposition.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { openFiles } from "../helpers/proc.ts";
import { until } from "../helpers/until.ts";

async function scrape(lab: Lab) {
  const answer = await lab.daemon.get("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await answer.text());
}

const attached = { mapping: "for-c1", state: "attached" };

test("a scrape tells what an attach and a return have come to", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  const started = Date.now() / 1000;
  await lab.start(D0_AS_ETH1);
  const before = await scrape(lab);
  expect(metric(before, "netdevd_ready")).toBe(1);
  expect(metric(before, "netdevd_containers", attached)).toBe(0);
  expect(metric(before, "netdevd_attach_duration_seconds_count")).toBe(0);
  expect(metric(before, "process_start_time_seconds")).toBeWithin(started - 2, started + 10);
  const loaded = metric(before, "netdevd_config_last_reload_success_timestamp_seconds");
  expect(loaded).toBeWithin(started - 1, started + 10);

  const container = await lab.container();
  await lab.attach("c1", container);
  writeFileSync(`${lab.spoolFolder}/bad.json.tmp`, "{");
  await lab.host.run("mv", `${lab.spoolFolder}/bad.json.tmp`, `${lab.spoolFolder}/bad.json`);
  await lab.verdict("bad.json");
  const inside = await scrape(lab);
  expect(metric(inside, "netdevd_containers", attached)).toBe(1);
  expect(metric(inside, "netdevd_devices", { mapping: "for-c1", state: "inside" })).toBe(1);
  expect(metric(inside, "netdevd_events_total", { outcome: "attached" })).toBe(1);
  expect(metric(inside, "netdevd_events_total", { outcome: "refused" })).toBe(1);
  expect((await lab.daemon.status()).counters).toMatchObject({ attached: 1, refused: 1 });
  expect(metric(inside, "netdevd_attach_duration_seconds_count")).toBe(1);
  expect(metric(inside, "netdevd_attach_duration_seconds_sum")).toBeWithin(0.0001, 10);
  const files = Array.from(openFiles(lab.daemon.pid).values()).reduce((sum, count) => sum + count, 0);
  // The connection of the scrape itself may be closed by now.
  expect(metric(inside, "process_open_fds")).toBeWithin(files - 2, files + 3);

  await container.kill();
  await lab.daemon.empty();
  const after = await scrape(lab);
  expect(metric(after, "netdevd_containers", attached)).toBe(0);
  expect(metric(after, "netdevd_return_duration_seconds_count")).toBe(1);
});

test("a config that is not taken is told until one is", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const loaded = metric(await scrape(lab), "netdevd_config_last_reload_success_timestamp_seconds");
  writeFileSync(lab.config, "nonsense = 1\n");
  lab.daemon.signal("SIGHUP");
  const bad = await until("the fault to be told", async () => {
    const families = await scrape(lab);
    return metric(families, "netdevd_config_last_reload_successful") === 0 && families;
  });
  expect(metric(bad, "netdevd_ready")).toBe(0);
  expect(metric(bad, "netdevd_fault", { kind: "config" })).toBe(1);
  expect(metric(bad, "netdevd_config_last_reload_success_timestamp_seconds")).toBe(loaded);
  lab.configure(D0_AS_ETH1);
  lab.daemon.signal("SIGHUP");
  const good = await until("the good one to be in force", async () => {
    const families = await scrape(lab);
    return metric(families, "netdevd_config_last_reload_successful") === 1 && families;
  });
  expect(metric(good, "netdevd_config_last_reload_success_timestamp_seconds")).toBeGreaterThan(loaded);
});
