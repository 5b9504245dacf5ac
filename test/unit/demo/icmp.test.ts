import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { answers, type Echo, echoRequest, internetChecksum } from "../../demo/icmp.ts";

const echo = fc.record({
  family: fc.constantFrom("inet" as const, "inet6" as const),
  identifier: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffff }),
});

describe("the checksum", () => {
  // RFC 1071, section 3: the example's sum is ddf2, and the checksum its complement.
  test("of the example of RFC 1071", () => {
    const bytes = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
    expect(internetChecksum(new DataView(bytes.buffer))).toBe(0xddf2 ^ 0xffff);
  });

  test("of a request makes the sum of the whole all ones", () => {
    fc.assert(
      fc.property(echo, (one) => expect(internetChecksum(new DataView(echoRequest(one).buffer))).toBe(0)),
    );
  });
});

test("a request of IPv4, byte by byte", () => {
  const bytes = echoRequest({ family: "inet", identifier: 0x1234, sequence: 1 });
  expect(Array.from(bytes)).toEqual([8, 0, 0xe5, 0xca, 0x12, 0x34, 0, 1]);
});

describe("answers", () => {
  /** What a host makes of a request: the same with the type of a reply, for IPv4 behind an IP header. */
  function replyTo(one: Echo, options = 0): Uint8Array {
    const message = echoRequest(one).with(0, one.family === "inet" ? 0 : 129);
    const header = one.family === "inet" ? [0x45 + options, ...new Array(19 + options * 4).fill(0)] : [];
    return Uint8Array.from([...header, ...message]);
  }

  test("a reply with its numbers, whatever options the IP header has", () => {
    fc.assert(
      fc.property(echo, fc.nat(10), (one, options) => expect(answers(replyTo(one, options), one)).toBe(true)),
    );
  });

  test("neither one with other numbers, nor the request itself", () => {
    fc.assert(
      fc.property(echo, echo, (one, other) => {
        fc.pre(one.identifier !== other.identifier || one.sequence !== other.sequence);
        expect(
          answers(replyTo(other), { ...other, identifier: one.identifier, sequence: one.sequence }),
        ).toBe(false);
        expect(answers(echoRequest(one), { ...one, family: "inet6" })).toBe(false);
      }),
    );
  });

  test("nothing that is too short", () => {
    fc.assert(
      fc.property(echo, fc.nat(7), (one, missing) => {
        expect(answers(replyTo(one).slice(0, -1 - missing), one)).toBe(false);
      }),
    );
  });
});
