import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { expositionText, type Family } from "../../../src/http/exposition.ts";
import { createHistogram } from "../../../src/http/histogram.ts";
import { metric, parseExposition } from "../../helpers/exposition.ts";

function gauge(samples: Extract<Family, { type: "gauge" | "counter" }>["samples"], help = "Help."): Family {
  return { type: "gauge", name: "netdevd_x", help, samples };
}

test("writes counters and histograms", () => {
  const histogram = createHistogram([0.05, 0.1]);
  for (const value of [0.04, 0.05, 0.0625, 7]) histogram.observe(value);
  const families: Family[] = [
    {
      type: "counter",
      name: "netdevd_events_total",
      help: "Events.",
      samples: [
        { labels: { outcome: "attached", mapping: "m" }, value: 1027 },
        { labels: {}, value: 3 },
      ],
    },
    { type: "histogram", name: "netdevd_x_seconds", help: "Times.", buckets: histogram.read() },
  ];
  expect(expositionText(families)).toBe(`# HELP netdevd_events_total Events.
# TYPE netdevd_events_total counter
netdevd_events_total{outcome="attached",mapping="m"} 1027
netdevd_events_total 3
# HELP netdevd_x_seconds Times.
# TYPE netdevd_x_seconds histogram
netdevd_x_seconds_bucket{le="0.05"} 2
netdevd_x_seconds_bucket{le="0.1"} 3
netdevd_x_seconds_bucket{le="+Inf"} 4
netdevd_x_seconds_sum 7.1525
netdevd_x_seconds_count 4
`);
});

test("escapes what ends a label or a line", () => {
  const text = expositionText([gauge([{ labels: { a: 'x"y\\z\nw' }, value: 1 }], 'two\nlines, "\\"')]);
  expect(text).toBe(
    '# HELP netdevd_x two\\nlines, "\\\\"\n# TYPE netdevd_x gauge\nnetdevd_x{a="x\\"y\\\\z\\nw"} 1\n',
  );
});

test("any label comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (first, second) => {
      const families = parseExposition(
        expositionText([gauge([{ labels: { first, second }, value: 1 }], `H ${first}`)]),
      );
      expect(metric(families, "netdevd_x", { first, second })).toBe(1);
      expect(families.get("netdevd_x")?.help).toBe(`H ${first}`);
    }),
  );
});

test.each([1e21, 1e-9, 0, -3.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
  "%p comes back as it was",
  (value) => {
    const families = parseExposition(expositionText([gauge([{ labels: {}, value }])]));
    expect(metric(families, "netdevd_x")).toBe(value);
  },
);

describe("what the tests read it with refuses", () => {
  const HEAD = "# HELP netdevd_x H\n# TYPE netdevd_x gauge\n";
  test.each([
    ["a line without its end", `${HEAD}netdevd_x 1`],
    ["no HELP", "# TYPE netdevd_x gauge\nnetdevd_x 1\n"],
    ["no TYPE", "netdevd_x 1\n"],
    ["a type that is none", "# HELP netdevd_x H\n# TYPE netdevd_x number\n"],
    ["a series twice", `${HEAD}netdevd_x{a="1",b="2"} 1\nnetdevd_x{b="2",a="1"} 1\n`],
    ["a label twice", `${HEAD}netdevd_x{a="1",a="2"} 1\n`],
    ["a quote in a label", `${HEAD}netdevd_x{a="1"2"} 1\n`],
    ["an escape that is none", `${HEAD}netdevd_x{a="\\t"} 1\n`],
    ["no value", `${HEAD}netdevd_x{a="1"}\n`],
    ["JavaScript's infinity", `${HEAD}netdevd_x Infinity\n`],
    ["an empty line", `${HEAD}\n`],
    ["a counter without _total", "# HELP netdevd_x H\n# TYPE netdevd_x counter\nnetdevd_x 1\n"],
    ["milliseconds", "# HELP netdevd_milliseconds H\n# TYPE netdevd_milliseconds gauge\n"],
    ["a family in two places", `${HEAD}# HELP netdevd_y H\n# TYPE netdevd_y gauge\nnetdevd_x 1\n`],
  ])("%s", (_, text) => expect(() => parseExposition(text)).toThrow());

  test.each([
    ["buckets that fall", [3, 2, 2], 2],
    ["a count that is not the last bucket", [1, 2, 3], 4],
  ])("%s", (_, counts, count) => {
    const lines = ["0.1", "0.2", "+Inf"].map(
      (le, at) => `netdevd_h_seconds_bucket{le="${le}"} ${counts[at]}\n`,
    );
    const text = `# HELP netdevd_h_seconds H\n# TYPE netdevd_h_seconds histogram\n${lines.join("")}netdevd_h_seconds_sum 1\nnetdevd_h_seconds_count ${count}\n`;
    expect(() => parseExposition(text)).toThrow();
  });
});
