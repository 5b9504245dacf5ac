/** One sample line. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is told under one name. */
export interface ScrapedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ScrapedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;
const VALUE = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;
/** Base units, and what has none (prometheus.io, "Metric and label naming"). */
const NO_BASE_UNIT = /_(?:milli|micro|nano)seconds|_(?:kilo|mega|kibi|mebi)bytes|_percent|_minutes|_hours/;

/**
 * Reads Prometheus' text format 0.0.4 by the rules of "Exposition formats", strictly, and holds names to the conventions
 * of `promtool check metrics`. Throws at the first line that is against them.
 */
export function parseExposition(text: string): Map<string, ScrapedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, { name: string; type: string; help: string; samples: ScrapedSample[] }>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let family: { name: string; type: string; help: string; samples: ScrapedSample[] } | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const fault = (what: string) => new Error(`${what}: ${line}`);
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line) ?? [];
    if (keyword === "HELP") {
      if (families.has(name)) throw fault("a second HELP, or one behind its samples");
      help = { name, text: unescaped(rest, /\\(.)/g, "\\n") };
    } else if (keyword === "TYPE") {
      if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(rest)) throw fault("no type");
      if (families.has(name)) throw fault("a second TYPE, or one behind its samples");
      if (help?.name !== name || help.text === "") throw fault("no HELP before it");
      checkName(name, rest);
      family = { name, type: rest, help: help.text, samples: [] };
      families.set(name, family);
    } else {
      const sample = parseSample(line);
      if (family === null || !belongs(sample.name, family)) throw fault("not beside its family");
      const series = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
      if (seen.has(series)) throw fault("the same series twice");
      seen.add(series);
      family.samples.push(sample);
    }
  }
  for (const one of families.values()) if (one.type === "histogram") checkHistogram(one);
  return families;
}

/** The value of the one sample that has these labels and no others. */
export function metric(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const samples = Array.from(families.values()).flatMap((family) => family.samples);
  const found = samples.find((sample) => sample.name === name && Bun.deepEquals(sample.labels, labels));
  if (found === undefined) throw new Error(`no ${name}${JSON.stringify(labels)}`);
  return found.value;
}

function checkName(name: string, type: string): void {
  if (!NAME.test(name)) throw new Error(`no name of a metric: ${name}`);
  if (!/^(netdevd|process)_/.test(name)) throw new Error(`whose metric is this: ${name}`);
  if (NO_BASE_UNIT.test(name)) throw new Error(`not in a base unit: ${name}`);
  if (name.endsWith("_total") !== (type === "counter")) throw new Error(`_total is for counters: ${name}`);
  if (/_(bucket|count|sum)$/.test(name)) throw new Error(`an ending that histograms have: ${name}`);
}

function parseSample(line: string): ScrapedSample {
  const [, name, , inner = "", value = ""] = /^([^\s{]+)(\{(.*)\})? (\S+)$/s.exec(line) ?? [];
  if (name === undefined || !NAME.test(name)) throw new Error(`no sample: ${line}`);
  if (!VALUE.test(value)) throw new Error(`no value: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inner;
  while (rest !== "") {
    const [whole, label = "", text = ""] = LABEL.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`no label: ${line}`);
    if (label.startsWith("__") || label in labels) throw new Error(`a label that may not be: ${line}`);
    labels[label] = unescaped(text, /\\([\\"n])/g, "\\n");
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}

function unescaped(text: string, pattern: RegExp, newline: string): string {
  return text.replaceAll(pattern, (whole, char) => (whole === newline ? "\n" : char));
}

function belongs(sample: string, { name, type }: ScrapedFamily): boolean {
  if (type === "histogram") return new RegExp(`^${name}_(bucket|sum|count)$`).test(sample);
  return sample === name;
}

function checkHistogram({ name, samples }: ScrapedFamily): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels.le?.replace("Inf", "Infinity")));
  const rises = (values: readonly number[], by: number) =>
    values.every((value, at) => at === 0 || value - (values[at - 1] ?? 0) >= by);
  if (!rises(bounds, Number.MIN_VALUE) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
    throw new Error(`${name}: the bounds do not rise to +Inf: ${bounds}`);
  const counts = buckets.map(({ value }) => value);
  if (!rises(counts, 0)) throw new Error(`${name}: the buckets do not add up: ${counts}`);
  const [count] = samples.filter((sample) => sample.name === `${name}_count`);
  if (count?.value !== counts.at(-1)) throw new Error(`${name}: _count is not the last bucket`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: no _sum`);
}
