import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { parseEvent } from "../../src/spool/event-file.ts";
import { FOLDER, load } from "../unit/config/given-files.ts";

// Whatever is written into a config or an event: a value, or faults that say where; nothing is thrown, nothing hangs.
// INPUTS=1000000 tries a million of each.

const INPUTS = Number(process.env.INPUTS ?? 100_000);
const HOUR_MS = 3_600_000;
/** CPU time, so that a busy machine is no hang. */
const HANG_MICROSECONDS = 1_000_000;

const EXAMPLES = new URL("../../config/examples/", import.meta.url).pathname;
const configs = readdirSync(EXAMPLES).map((name) => readFileSync(EXAMPLES + name, "utf8"));
const events = [
  '{"ociVersion":"1.0.2","id":"t-7","status":"creating","pid":4711,"bundle":"/b","annotations":{"a":"b"}}',
  '{"id":"t-7","status":"running","netns":"/run/netns/t-7"}',
  '{"id":"t-7","status":"stopped"}',
  '{"release":"t-7"}',
  '{"release":true}',
];
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
function damaged(samples: readonly string[]): fc.Arbitrary<string> {
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
async function inTime(work: () => unknown): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (user + system < HANG_MICROSECONDS) return;
  }
  throw new Error("it hangs");
}

async function aConfigOrFaults(text: string): Promise<void> {
  const result = await load({ "netdevd.toml": text });
  if (result.ok) return;
  expect(result.faults.length).toBeGreaterThan(0);
  const lines = text.split("\n");
  for (const { file, line, column } of result.faults) {
    expect(file).toStartWith(FOLDER);
    const length = lines[line - 1]?.length ?? -1;
    if (column < 1 || column > length + 1) throw new Error(`${line}:${column} is no place in the file`);
  }
}

function anEventOrARefusal(text: string): void {
  const result = parseEvent("e.json", Buffer.from(text), 0);
  expect(["container", "release", "refusal"]).toContain(result.type);
}

test(
  `${INPUTS} configs: each is one, or has faults that are in it`,
  async () => {
    const property = fc.asyncProperty(damaged(configs), (text) => inTime(() => aConfigOrFaults(text)));
    await fc.assert(property, { numRuns: INPUTS });
  },
  HOUR_MS,
);

test(
  `${INPUTS} events: each is one, or is refused`,
  async () => {
    const property = fc.asyncProperty(damaged(events), (text) => inTime(() => anEventOrARefusal(text)));
    await fc.assert(property, { numRuns: INPUTS });
  },
  HOUR_MS,
);
