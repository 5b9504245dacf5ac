import { describe, expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import { expositionText } from "../../../src/http/exposition.ts";
import { createHistogram } from "../../../src/http/histogram.ts";
import { type MetricsFacts, metricsOf } from "../../../src/http/metrics.ts";
import { type StatusFacts, statusOf } from "../../../src/http/status.ts";
import { metric, parseExposition, type ScrapedFamily } from "../../helpers/exposition.ts";
import { attached, attachment, facts } from "./facts.ts";

const process = { startTime: 1.5, cpuSeconds: 2, residentBytes: 3, openFds: 4, maxFds: 5 };

function scraped(
  attachments: readonly Attachment[],
  status: Partial<StatusFacts> = {},
  changes: Partial<MetricsFacts> = {},
): Map<string, ScrapedFamily> {
  const families = metricsOf({
    status: statusOf({ ...facts(attachments), ...status }),
    attachments,
    commit: "0123456789ab",
    bun: "1.4.5",
    faults: { config: false, journal: false },
    logLines: { warning: 2, error: 1 },
    attach: createHistogram().read(),
    homecoming: createHistogram().read(),
    readers: 0,
    dropped: 0,
    process,
    ...changes,
  });
  return parseExposition(expositionText(families));
}

test("tells which netdevd this is, and what it takes of the system", () => {
  const families = scraped([]);
  const labels = { version: "1.2.3", commit: "0123456789ab", bun: "1.4.5" };
  expect(metric(families, "netdevd_build_info", labels)).toBe(1);
  expect(metric(scraped([], {}, { commit: null }), "netdevd_build_info", { ...labels, commit: "" })).toBe(1);
  expect(metric(families, "process_start_time_seconds")).toBe(1.5);
  expect(metric(families, "process_cpu_seconds_total")).toBe(2);
  expect(metric(families, "process_resident_memory_bytes")).toBe(3);
  expect(metric(families, "process_open_fds")).toBe(4);
  expect(metric(families, "process_max_fds")).toBe(5);
});

describe("containers and devices", () => {
  const at = (state: string, mapping = "trainer") => ({ mapping, state });

  test("are counted by mapping and state", () => {
    const other: Attachment = {
      ...attachment,
      key: 2,
      devices: [attached, { ...attached, state: "moving" }],
    };
    const families = scraped([attachment, other]);
    expect(metric(families, "netdevd_containers", at("attached"))).toBe(2);
    expect(metric(families, "netdevd_devices", at("inside"))).toBe(2);
    expect(metric(families, "netdevd_devices", at("moving"))).toBe(1);
  });

  test("have a zero for each state of each mapping in force before there is one", () => {
    const families = scraped([]);
    for (const mapping of ["trainer", "spare"]) {
      for (const state of ["pending", "attaching", "attached", "returning", "stuck"])
        expect(metric(families, "netdevd_containers", at(state, mapping))).toBe(0);
      for (const state of ["moving", "inside", "returning", "stuck"])
        expect(metric(families, "netdevd_devices", at(state, mapping))).toBe(0);
    }
  });

  test("are told under a mapping that is no more in force", () => {
    const families = scraped([{ ...attachment, mapping: "gone" }]);
    expect(metric(families, "netdevd_containers", at("attached", "gone"))).toBe(1);
  });

  test("a device that two containers share is one", () => {
    const [holder] = attachment.holders;
    if (holder === undefined) throw new Error("it has one");
    const families = scraped([{ ...attachment, holders: [holder, { ...holder, id: "sidecar" }] }]);
    expect(metric(families, "netdevd_containers", at("attached"))).toBe(2);
    expect(metric(families, "netdevd_devices", at("inside"))).toBe(1);
  });

  test("what is stuck is told as that, and a container that waits as pending", () => {
    const error = { code: "stuck", message: "ens4 is still inside", device: "ens4" } as const;
    const stuck: Attachment = { ...attachment, error, devices: [{ ...attached, state: "stuck" }] };
    const [holder] = attachment.holders;
    if (holder === undefined) throw new Error("it has one");
    const lacks = { code: "device-missing", message: "there is no ens4", device: null } as const;
    const families = scraped([stuck], { waiting: [{ holder, mapping: "spare", since: 0, lacks }] });
    expect(metric(families, "netdevd_containers", at("stuck"))).toBe(1);
    expect(metric(families, "netdevd_containers", at("attached"))).toBe(0);
    expect(metric(families, "netdevd_devices", at("stuck"))).toBe(1);
    expect(metric(families, "netdevd_containers", at("pending", "spare"))).toBe(1);
  });

  test("however many there are, there are no more series: no label is a container's or a device's", () => {
    const series = (families: Map<string, ScrapedFamily>) =>
      Array.from(families.values(), ({ samples }) => samples.length);
    const many = Array.from({ length: 300 }, (_, key) => {
      const holders = attachment.holders.map((holder) => ({ ...holder, id: `c${key}` }));
      return { ...attachment, key, holders };
    });
    expect(series(scraped(many))).toEqual(series(scraped([])));
  });
});

test("a mapping may be called anything", () => {
  const mapping = 'a"b\\c\nd';
  const families = scraped([{ ...attachment, mapping }]);
  expect(metric(families, "netdevd_containers", { mapping, state: "attached" })).toBe(1);
});

test("readiness, faults and the config's age", () => {
  const good = scraped([], { configLoadedAt: 1_795_000_000_500 });
  expect(metric(good, "netdevd_ready")).toBe(1);
  expect(metric(good, "netdevd_fault", { kind: "journal" })).toBe(0);
  expect(metric(good, "netdevd_config_last_reload_successful")).toBe(1);
  expect(metric(good, "netdevd_config_last_reload_success_timestamp_seconds")).toBe(1_795_000_000.5);
  expect(metric(good, "netdevd_config_mappings")).toBe(2);
  const bad = scraped([], { state: "degraded" }, { faults: { config: true, journal: true } });
  expect(metric(bad, "netdevd_ready")).toBe(0);
  expect(metric(bad, "netdevd_fault", { kind: "journal" })).toBe(1);
  expect(metric(bad, "netdevd_config_last_reload_successful")).toBe(0);
});

test("outcomes, lines of the log and times", () => {
  const attach = createHistogram();
  attach.observe(0.03);
  attach.observe(100);
  const families = scraped([], { counters: { attached: 3, failed: 0 } }, { attach: attach.read() });
  expect(metric(families, "netdevd_events_total", { outcome: "attached" })).toBe(3);
  expect(metric(families, "netdevd_events_total", { outcome: "failed" })).toBe(0);
  expect(metric(families, "netdevd_log_messages_total", { level: "warning" })).toBe(2);
  expect(metric(families, "netdevd_attach_duration_seconds_bucket", { le: "0.025" })).toBe(0);
  expect(metric(families, "netdevd_attach_duration_seconds_bucket", { le: "0.05" })).toBe(1);
  expect(metric(families, "netdevd_attach_duration_seconds_bucket", { le: "60" })).toBe(1);
  expect(metric(families, "netdevd_attach_duration_seconds_count")).toBe(2);
  expect(metric(families, "netdevd_return_duration_seconds_count")).toBe(0);
});
