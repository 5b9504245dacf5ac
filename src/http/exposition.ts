/** One value of a family, told apart from the others by its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a histogram has counted since the start. */
export interface Buckets {
  /** Upper bounds, rising; the last bucket, which has none, is not among them. */
  readonly bounds: readonly number[];
  /** How many were at most each bound and above the one before; one more at the end, for those above all. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** All values of one name. */
export type Family =
  | {
      readonly type: "counter" | "gauge";
      readonly name: string;
      readonly help: string;
      readonly samples: readonly Sample[];
    }
  | {
      readonly type: "histogram";
      readonly name: string;
      readonly help: string;
      readonly buckets: Buckets;
    };

/** The media type of {@link expositionText}. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Families in Prometheus' text-based format, version 0.0.4 (prometheus.io, "Exposition formats"). */
export function expositionText(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText(family: Family): string {
  const { name, type, help } = family;
  const samples = type === "histogram" ? histogramLines(name, family.buckets) : family.samples.map(line);
  return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${samples.join("")}`;

  function line({ labels, value }: Sample): string {
    return sampleLine(name, labels, value);
  }
}

function histogramLines(name: string, { bounds, counts, sum }: Buckets): string[] {
  let count = 0;
  const buckets = counts.map((own, at) => {
    count += own;
    return sampleLine(`${name}_bucket`, { le: numberText(bounds[at] ?? Number.POSITIVE_INFINITY) }, count);
  });
  return [...buckets, sampleLine(`${name}_sum`, {}, sum), sampleLine(`${name}_count`, {}, count)];
}

function sampleLine(name: string, labels: Sample["labels"], value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
}

/** As Go's ParseFloat() reads it, which writes infinity another way than JavaScript does. */
function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function escapedHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapedLabel(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"');
}
