import fc from "fast-check";

/** How many inputs of each sort are tried. */
export const INPUTS = Number(process.env.INPUTS ?? 100_000);
/** Longer than any slice takes. */
export const HOUR_MS = 3_600_000;
/** CPU time, so that a busy machine is no hang. */
const HANG_MICROSECONDS = 1_000_000;

/** What means something to TOML, JSON or the schemas. */
const PIECES = [
  ..."[]{}\"'=,.:\\#\n\r\t 0-+_%*/",
  ..."\0\u{85}\u{2028}\u{feff}\u{1f600}\ud800",
  ...[
    "[[mapping]]",
    "[[mapping.device]]",
    "device",
    "netDevices",
    "match",
    "true",
    "null",
    "1e999",
    "0x",
    "nan",
  ],
  ...["9007199254740993", "1979-05-27", '"""', "__proto__", "constructor", "::ffff:1.2.3.4/129", "net%d"],
];

/** One of `samples` with some places cut out, doubled, or given a piece of something else. */
export function damaged(samples: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 12, unit: "binary" }));
  const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 12 }), piece, how: fc.nat({ max: 3 }) });
  return fc
    .record({ sample: fc.constantFrom(...samples), edits: fc.array(edit, { minLength: 1, maxLength: 8 }) })
    .map(({ sample, edits }) =>
      edits.reduce((text, { at, cut, piece: put, how }) => {
        const start = at % (text.length + 1);
        const rest = text.slice(start + cut);
        if (how === 0) return text.slice(0, start) + rest;
        if (how === 1) return text.slice(0, start + cut) + text.slice(start);
        return text.slice(0, start) + put + (how === 2 ? rest : text.slice(start));
      }, sample),
    );
}

/** Fails where `work` takes the processor for a second, twice. */
export async function inTime(work: () => unknown): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (user + system < HANG_MICROSECONDS) return;
  }
  throw new Error("it hangs");
}
