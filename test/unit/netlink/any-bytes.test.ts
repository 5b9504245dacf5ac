import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeMessages } from "../../../src/netlink/message.ts";
import { damaged, decoders, isDecoded, samples } from "./damaged.ts";

describe("a value or a DecodeError, never another error and never a hang", () => {
  test.each(Object.keys(decoders))("%s: any bytes", (name) => {
    const decode = decoders[name] ?? decodeMessages;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(isDecoded(decode, bytes)).toBeBoolean();
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(Object.keys(decoders))("%s: what the kernel sent, damaged", (name) => {
    const decode = decoders[name] ?? decodeMessages;
    fc.assert(
      fc.property(damaged, (bytes) => {
        expect(isDecoded(decode, bytes)).toBeBoolean();
      }),
      { numRuns: 2_000 },
    );
  });

  test("every prefix of everything that the kernel sent, by every decoder", () => {
    let decoded = 0;
    for (const sample of samples) {
      for (let length = 0; length <= sample.length; length += sample.length > 400 ? 7 : 1) {
        for (const decode of Object.values(decoders)) {
          if (isDecoded(decode, sample.subarray(0, length))) decoded++;
        }
      }
    }
    expect(decoded).toBeGreaterThan(samples.length);
  });
});
