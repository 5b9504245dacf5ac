import type { Candidate } from "../service/drill/candidate.ts";
import type { Fate, Thing } from "../service/drill/compare.ts";
import type { DrillReport } from "../service/drill/drill.ts";

const WORDS: Readonly<Record<Fate, string>> = { back: "back", anew: "anew", lost: "LOST" };
/** Of things of one kind that came back, more than these are counted. */
const TELL_EACH: Readonly<Record<Fate, number>> = { back: 12, anew: 2, lost: Number.POSITIVE_INFINITY };

/** What is told before anything is touched. */
export function beginningText(
  { device, losses, warnings }: Extract<Candidate, { ok: true }>,
  { pid, patience }: { readonly pid: number; readonly patience: number },
): string {
  return [
    `${device.name} (${device.ifindex}) goes to a namespace that has nothing in it, and comes home`,
    ...losses.map((loss) => `  meanwhile ${loss}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
    `  the watchdog, pid ${pid}, brings it home if the drill dies, or takes more than ${patience / 1000} s`,
  ].join("\n");
}

/** Whether it has all that it had. */
export function isAllBack({ things }: DrillReport): boolean {
  return things.every(({ fate }) => fate !== "lost");
}

/** What came of a drill, for a person. */
export function reportText(report: DrillReport): string {
  const { device, things, times, error } = report;
  if (error !== null && things.length === 0) return `${device}: ${error}`;
  const lost = things.filter(({ fate }) => fate === "lost").length;
  const end =
    lost > 0
      ? `${device} is home, and ${lost} of ${things.length} things did not come back`
      : `${device} is home with all that it had`;
  return [...linesOf(things), timesText(times), error === null ? end : `${end}; but ${error}`].join("\n");
}

function linesOf(things: readonly Thing[]): string[] {
  const alike = Map.groupBy(things.filter(isPlain), keyOf);
  return things.flatMap((one) => {
    const all = isPlain(one) ? (alike.get(keyOf(one)) ?? []) : [];
    if (all.length <= TELL_EACH[one.fate]) return [lineOf(one)];
    // In the place of the first.
    return one === all[0] ? [lineOf({ ...one, thing: `${kindOf(one)}s: ${all.length} of them` })] : [];
  });
}

/** Nothing is to be said of it but that it is there. */
function isPlain({ told }: Thing): boolean {
  return told === null;
}

function keyOf(one: Thing): string {
  return `${one.fate} ${kindOf(one)}`;
}

/** `address`, `route`, …: the word that it begins with. */
function kindOf({ thing }: Thing): string {
  return thing.split(" ")[0] ?? thing;
}

function lineOf({ thing, fate, told }: Thing): string {
  if (fate === "lost") return `  ${WORDS.lost}  ${told ?? thing}`;
  const made = fate === "anew" ? " (by the kernel)" : "";
  return `  ${WORDS[fate]}  ${thing}${made}${told === null ? "" : `: ${told}`}`;
}

function timesText({ gone, withoutCarrier, whole }: DrillReport["times"]): string {
  if (gone === null) return "how long it was gone nobody has heard";
  const parts = [`gone from the host for ${ms(gone)}`];
  if (withoutCarrier !== null) parts.push(`without carrier for ${ms(withoutCarrier)}`);
  if (whole !== null) parts.push(`all put back ${ms(whole)} after it left`);
  return parts.join(", ");
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
