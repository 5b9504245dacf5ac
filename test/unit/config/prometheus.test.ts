import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { createHistogram } from "../../../src/http/histogram.ts";
import { metricsOf } from "../../../src/http/metrics.ts";
import { statusOf } from "../../../src/http/status.ts";
import { attachment, facts } from "../http/facts.ts";

const FOLDER = join(import.meta.dir, "../../../config/prometheus");

function read(file: string): unknown {
  return Bun.YAML.parse(readFileSync(join(FOLDER, file), "utf8"));
}

const rule = v.strictObject({
  alert: v.string(),
  expr: v.string(),
  for: v.exactOptional(v.string()),
  labels: v.strictObject({ severity: v.picklist(["critical", "warning"]) }),
  annotations: v.strictObject({ summary: v.string(), description: v.exactOptional(v.string()) }),
});
const alerts = v.strictObject({
  groups: v.array(v.strictObject({ name: v.string(), rules: v.array(rule) })),
});

describe("alerts.yml", () => {
  const { rules } = v.parse(alerts, read("alerts.yml")).groups[0] ?? { rules: [] };
  const families = metricsOf({
    status: statusOf(facts([attachment])),
    attachments: [attachment],
    commit: null,
    bun: "",
    faults: {},
    logLines: {},
    attach: createHistogram().read(),
    homecoming: createHistogram().read(),
    readers: 0,
    dropped: 0,
    process: { startTime: 0, cpuSeconds: 0, residentBytes: 0, openFds: 0, maxFds: 0 },
  });
  const names = families.flatMap(({ name, type }) => [
    name,
    ...(type === "histogram" ? [`${name}_bucket`] : []),
  ]);

  test.each(rules.map(({ alert, expr }) => [alert, expr]))(
    "%s asks for metrics that there are",
    (_, expr) => {
      const asked = expr.match(/\b(netdevd|process)_\w+/g) ?? ["up"];
      for (const name of asked) expect([...names, "up"]).toContain(name);
    },
  );
});

test("scrape.yml asks where the config says that one may listen", () => {
  const text = readFileSync(join(FOLDER, "scrape.yml"), "utf8");
  expect(read("scrape.yml")).toMatchObject({
    scrape_configs: [{ job_name: "netdevd", static_configs: [{ targets: ["127.0.0.1:9469"] }] }],
  });
  expect(text).toContain('listen = ["unix:/run/netdevd/netdevd.sock", "127.0.0.1:9469"]');
});
