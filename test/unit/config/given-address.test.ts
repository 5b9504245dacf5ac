import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ADDRESS, MASK, parseGivenAddress, parseMask, withMask } from "../../../src/config/given-address.ts";
import type { GivenAddress } from "../../../src/domain/mapping.ts";

const inet = (local: string, prefixLength: number): GivenAddress => ({ family: "inet", local, prefixLength });
const inet6 = (local: string, prefixLength: number): GivenAddress => ({
  family: "inet6",
  local,
  prefixLength,
});

describe("parseGivenAddress", () => {
  const good: [string, GivenAddress][] = [
    ["192.168.0.1/24", inet("192.168.0.1", 24)],
    ["192.168.0.1", inet("192.168.0.1", 32)],
    ["192.168.0.1/0", inet("192.168.0.1", 0)],
    ["169.254.169.77/32", inet("169.254.169.77", 32)],
    ["2001:DB8:0:0::1/64", inet6("2001:db8::1", 64)],
    ["2001:db8::1", inet6("2001:db8::1", 128)],
    ["fe80::1/64", inet6("fe80::1", 64)],
    ["fd00::/8", inet6("fd00::", 8)],
  ];

  test.each(good)("%p", (text, value) => {
    expect(parseGivenAddress(text)).toEqual({ ok: true, value });
  });

  const usable = "an address that a device can have";

  test.each([
    ["", '"" is no IP address', ADDRESS],
    ["10.0.0", '"10.0.0" is no IP address', ADDRESS],
    ["10.0.0.256/24", '"10.0.0.256/24" is no IP address', ADDRESS],
    ["010.0.0.1/24", '"010.0.0.1/24" is no IP address', ADDRESS],
    ["fe80::1%eth0/64", '"fe80::1%eth0/64" is no IP address', ADDRESS],
    ["/24", '"/24" is no IP address', ADDRESS],
    ["10.0.0.1/", '"" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["10.0.0.1/33", '"33" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["10.0.0.1/024", '"024" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["10.0.0.1/-1", '"-1" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["10.0.0.1/255.0.0.0", '"255.0.0.0" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["10.0.0.1/24/24", '"24/24" is no prefix length', 'a number from 0 to 32 after the "/"'],
    ["2001:db8::1/129", '"129" is no prefix length', 'a number from 0 to 128 after the "/"'],
    ["0.0.0.0/8", "0.0.0.0 is the unspecified address", usable],
    ["::/64", ":: is the unspecified address", usable],
    ["224.0.0.1/24", "224.0.0.1 is a multicast address", usable],
    ["239.255.255.255", "239.255.255.255 is a multicast address", usable],
    ["255.255.255.255", "255.255.255.255 is the broadcast address of every network", usable],
    ["ff02::1/64", "ff02::1 is a multicast address", usable],
    ["127.0.0.2/8", "127.0.0.2 is a loopback address, which lo alone has", usable],
    ["::1/128", "::1 is the loopback address, which lo alone has", usable],
  ])("refuses %p", (text, message, expected) => {
    expect(parseGivenAddress(text)).toEqual({ ok: false, message, expected });
  });

  test("any text gives an address within its family's bounds, or says why not", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()),
        fc.nat(200),
        (address, prefix) => {
          for (const text of [address, `${address}/${prefix}`]) {
            const result = parseGivenAddress(text);
            if (!result.ok) continue;
            const { local, prefixLength, family } = result.value;
            expect(prefixLength).toBeLessThanOrEqual(family === "inet" ? 32 : 128);
            expect(parseGivenAddress(`${local}/${prefixLength}`)).toEqual(result);
          }
        },
      ),
    );
  });
});

describe("parseMask", () => {
  test.each([
    ["255.255.255.0", { prefixLength: 24, dotted: true }],
    ["255.255.255.255", { prefixLength: 32, dotted: true }],
    ["255.254.0.0", { prefixLength: 15, dotted: true }],
    ["0.0.0.0", { prefixLength: 0, dotted: true }],
    [24, { prefixLength: 24, dotted: false }],
    ["24", { prefixLength: 24, dotted: false }],
    [128, { prefixLength: 128, dotted: false }],
  ])("%p", (mask, value) => {
    expect(parseMask(mask)).toEqual({ ok: true, value });
  });

  test.each([
    ["255.0.255.0", '"255.0.255.0" has ones after a zero'],
    ["0.255.255.255", '"0.255.255.255" has ones after a zero'],
    ["255.255.255", '"255.255.255" is no mask'],
    ["/24", '"/24" is no mask'],
    ["", '"" is no mask'],
    ["ffff::", '"ffff::" is no mask'],
    [24.5, '"24.5" is no mask'],
    [-1, '"-1" is no mask'],
    [129, '"129" is no mask'],
  ])("refuses %p", (mask, message) => {
    expect(parseMask(mask)).toEqual({ ok: false, message, expected: MASK });
  });
});

describe("withMask", () => {
  test("takes the place of the prefix", () => {
    const mask = { prefixLength: 24, dotted: true };
    expect(withMask(inet("10.0.0.1", 32), mask)).toEqual({ ok: true, value: inet("10.0.0.1", 24) });
  });

  test("is a length for IPv6", () => {
    const mask = { prefixLength: 64, dotted: false };
    expect(withMask(inet6("fd00::1", 128), mask)).toEqual({ ok: true, value: inet6("fd00::1", 64) });
    expect(withMask(inet6("fd00::1", 128), { prefixLength: 24, dotted: true }).ok).toBe(false);
  });

  test("has 32 bits at most for IPv4", () => {
    expect(withMask(inet("10.0.0.1", 32), { prefixLength: 33, dotted: false }).ok).toBe(false);
  });
});
