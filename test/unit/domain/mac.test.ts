import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatMac, macBytes, macFault, parseMac } from "../../../src/domain/mac.ts";

describe("parseMac", () => {
  test.each([
    ["02:00:00:00:00:01", "02:00:00:00:00:01"],
    ["AA:bb:CC:dd:EE:ff", "aa:bb:cc:dd:ee:ff"],
    ["aa-bb-cc-dd-ee-ff", "aa:bb:cc:dd:ee:ff"],
  ])("%s", (text, canonical) => expect(parseMac(text)).toBe(canonical));

  test.each([
    "",
    "02:00:00:00:00",
    "02:00:00:00:00:01:02",
    "2:0:0:0:0:1",
    "02:00:00:00:00:0g",
    "0200.0000.0001",
  ])("no MAC: %j", (text) => expect(parseMac(text)).toBeNull());

  test.each([" 02:00:00:00:00:01", "02:00:00:00:00:01\n"])("no MAC with blanks: %j", (text) => {
    expect(parseMac(text)).toBeNull();
  });
});

test("no MAC: one separator and then another", () => expect(parseMac("02:00-00:00-00:01")).toBeNull());

describe("formatMac and macBytes", () => {
  test("are each other's inverse, for an address of any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
        expect(macBytes(formatMac(bytes))).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test("give what parseMac leaves as it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(parseMac(formatMac(bytes))).toBe(formatMac(bytes));
      }),
    );
  });
});

describe("macFault", () => {
  test.each([
    ["00:00:00:00:00:00", "zero"],
    ["01:00:5e:00:00:01", "multicast"],
    ["ff:ff:ff:ff:ff:ff", "multicast"],
    ["33:33:00:00:00:01", "multicast"],
  ])("%s", (mac, why) => expect(macFault(mac)).toContain(why));

  test("is null for every other address", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const refused = ((bytes[0] ?? 0) & 1) === 1 || bytes.every((byte) => byte === 0);
        expect(macFault(formatMac(bytes)) !== null).toBe(refused);
      }),
    );
  });
});
