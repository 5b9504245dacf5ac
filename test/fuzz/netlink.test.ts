import { expect, test } from "bun:test";
import fc from "fast-check";
import { damaged, decoders, isDecoded } from "../unit/netlink/damaged.ts";
import { HOUR_MS, INPUTS, inTime } from "./inputs.ts";

// Whatever comes from the kernel: a value or a DecodeError; nothing else is thrown, nothing hangs.

const any = fc.uint8Array({ maxLength: 400 });

test(
  `${INPUTS} netlink datagrams: each decoder gives a value or a DecodeError`,
  async () => {
    const counts = { decoded: 0, refused: 0 };
    const every = Object.values(decoders);
    const property = fc.asyncProperty(fc.oneof(damaged, any), (bytes) =>
      inTime(() => {
        for (const decode of every) counts[isDecoded(decode, bytes) ? "decoded" : "refused"] += 1;
      }),
    );
    await fc.assert(property, { numRuns: INPUTS });
    console.log(`netlink: ${INPUTS} inputs to ${every.length} decoders: ${JSON.stringify(counts)}`);
    // Inputs that are all refused at once, or all taken, would prove little.
    expect(Math.min(counts.decoded, counts.refused)).toBeGreaterThan(INPUTS / 10);
  },
  HOUR_MS,
);
