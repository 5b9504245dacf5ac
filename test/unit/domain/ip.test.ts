import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import { formatIp, parseIp } from "../../../src/domain/ip.ts";
import { ipBytes } from "./arbitrary.ts";

describe("parseIp", () => {
  test.each([
    ["0.0.0.0", [0, 0, 0, 0]],
    ["192.168.0.1", [192, 168, 0, 1]],
    ["255.255.255.255", [255, 255, 255, 255]],
  ])("%s", (text, bytes) => {
    expect(Array.from(parseIp(text) ?? [])).toEqual(bytes);
  });

  test.each([
    ["::", {}],
    ["::1", { 15: 1 }],
    ["1::", { 1: 1 }],
    ["fe80::aB:C", { 0: 0xfe, 1: 0x80, 13: 0xab, 15: 0x0c }],
    ["0:0:0:0:0:0:0:1", { 15: 1 }],
    ["1:2:3:4:5:6:7::", { 1: 1, 3: 2, 5: 3, 7: 4, 9: 5, 11: 6, 13: 7 }],
    ["::2:3:4:5:6:7:8", { 3: 2, 5: 3, 7: 4, 9: 5, 11: 6, 13: 7, 15: 8 }],
    ["::ffff:192.0.2.1", { 10: 0xff, 11: 0xff, 12: 192, 14: 2, 15: 1 }],
    ["64:ff9b::192.0.2.33", { 1: 0x64, 2: 0xff, 3: 0x9b, 12: 192, 14: 2, 15: 33 }],
    ["1:2:3:4:5:6:7.8.9.10", { 1: 1, 3: 2, 5: 3, 7: 4, 9: 5, 11: 6, 12: 7, 13: 8, 14: 9, 15: 10 }],
  ])("%s", (text, bytes) => {
    expect(parseIp(text)).toEqual(Uint8Array.from({ length: 16, ...bytes }, (byte) => byte ?? 0));
  });

  test.each([
    "",
    " ",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.4 ",
    "1.2.3.-4",
    "1.2.3.0x4",
    "1.2..4",
    "١.2.3.4",
    ":",
    ":::",
    "1::2::3",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
    "::12345",
    "::g",
    "::1%eth0",
    "[::1]",
    "::1/64",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
  ])("no address: %j", (text) => expect(parseIp(text)).toBeNull());

  test("agrees with Node on any text of an address's characters", () => {
    const text = fc.string({ unit: fc.constantFrom(..."01f9aF:.: "), maxLength: 20 });
    fc.assert(
      fc.property(text, (any) => {
        expect(parseIp(any)?.length ?? 0).toBe({ 0: 0, 4: 4, 6: 16 }[isIP(any)] ?? -1);
      }),
      { numRuns: 5000 },
    );
  });

  test("agrees with Node on any address that is spelled a little wrong", () => {
    const damaged = fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(40), fc.constantFrom("", ":", ".", "0", "g", "::", "256"))
      .map(([text, at, damage]) => text.slice(0, at % (text.length + 1)) + damage + text.slice(at + 1));
    fc.assert(
      fc.property(damaged, (text) => {
        expect(parseIp(text) !== null).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("formatIp", () => {
  // RFC 5952, sections 4 and 5.
  test.each([
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8::ABCD", "2001:db8::abcd"],
    ["::ffff:c000:0201", "::ffff:192.0.2.1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
  ])("%s is %s", (text, canonical) => expect(formatIp(parseIp(text) ?? new Uint8Array())).toBe(canonical));

  test.each([0, 3, 5, 15, 17])("%d bytes are a fault", (length) => {
    expect(() => formatIp(new Uint8Array(length))).toThrow(RangeError);
  });

  test("is what parseIp reads", () => {
    fc.assert(
      fc.property(ipBytes, (bytes) => expect(parseIp(formatIp(bytes))).toEqual(Uint8Array.from(bytes))),
    );
  });

  test("is one spelling for all spellings", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const canonical = formatIp(parseIp(text) ?? new Uint8Array());
        expect(formatIp(parseIp(canonical.toUpperCase()) ?? new Uint8Array())).toBe(canonical);
        expect(isIP(canonical)).toBe(isIP(text));
      }),
    );
  });

  test("is the spelling of URLs, which write no address with dots", () => {
    const plain = ipBytes.filter((bytes) => bytes.length === 16 && !formatIp(bytes).includes("."));
    fc.assert(
      fc.property(plain, (bytes) => {
        expect(new URL(`http://[${formatIp(bytes)}]/`).hostname).toBe(`[${formatIp(bytes)}]`);
      }),
    );
  });
});
