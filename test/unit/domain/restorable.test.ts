import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { aged, chosenFlags, isKernelMade, isProven } from "../../../src/domain/restorable.ts";
import { addressOf, deviceOf } from "./samples.ts";

describe("chosenFlags", () => {
  test.each([
    ["IFA_F_SECONDARY, IFA_F_TEMPORARY", 0x01, 0],
    ["IFA_F_NODAD", 0x02, 0x02],
    ["IFA_F_OPTIMISTIC", 0x04, 0],
    ["IFA_F_DADFAILED", 0x08, 0],
    ["IFA_F_HOMEADDRESS", 0x10, 0x10],
    ["IFA_F_DEPRECATED", 0x20, 0],
    ["IFA_F_TENTATIVE", 0x40, 0],
    ["IFA_F_PERMANENT", 0x80, 0],
    ["IFA_F_MANAGETEMPADDR", 0x100, 0x100],
    ["IFA_F_NOPREFIXROUTE", 0x200, 0x200],
    ["IFA_F_MCAUTOJOIN", 0x400, 0x400],
    ["IFA_F_STABLE_PRIVACY", 0x800, 0x800],
  ])("of %s", (_, flags, chosen) => expect(chosenFlags(addressOf("2001:db8::1/64", { flags }))).toBe(chosen));
});

describe("isKernelMade", () => {
  const device = deviceOf({ mac: "02:11:22:33:44:55" });
  const linkLocal = "fe80::11:22ff:fe33:4455/64";

  test.each([
    ["the link-local address of the MAC", addressOf(linkLocal, { scope: 253 }), true],
    ["one that the kernel says it made", addressOf("fe80::9/64", { scope: 253, protocol: 3 }), true],
    [
      "one of the MAC that somebody else says they made",
      addressOf(linkLocal, { scope: 253, protocol: 4 }),
      false,
    ],
    ["a link-local address chosen by hand", addressOf("fe80::9/64", { scope: 253 }), false],
    ["a privacy address", addressOf("2001:db8::9/64", { flags: 0x01 }), true],
    ["a global address", addressOf("2001:db8::1/64"), false],
    ["a secondary IPv4 address", addressOf("192.0.2.2/24", { flags: 0x81 }), false],
    ["an IPv4 link-local address", addressOf("169.254.0.1/16", { scope: 253 }), false],
  ])("%s: %p", (_, address, made) => expect(isKernelMade(address, device)).toBe(made));

  // RFC 4291, appendix A, and RFC 2464, section 5.
  test.each([
    ["34:56:78:9a:bc:de", "fe80::3656:78ff:fe9a:bcde"],
    ["00:00:00:00:00:01", "fe80::200:ff:fe00:1"],
    ["02:00:00:00:00:00", "fe80::ff:fe00:0"],
  ])("%s makes %s", (mac, local) => {
    expect(isKernelMade(addressOf(`${local}/64`, { scope: 253 }), deviceOf({ mac }))).toBe(true);
  });

  test.each([null, "02:00:00:00:00:00:00:01"])("a device with the MAC %p makes none of it", (mac) => {
    expect(isKernelMade(addressOf("fe80::200:ff:fe00:1/64", { scope: 253 }), deviceOf({ mac }))).toBe(false);
  });
});

describe("isProven", () => {
  test.each([
    [0x80, true],
    [0x82, true],
    [0xa0, true],
    [0xc0, false],
    [0x88, false],
    [0xc8, false],
  ])("flags %p: %p", (flags, proven) =>
    expect(isProven(addressOf("2001:db8::1/64", { flags }))).toBe(proven),
  );
});

describe("aged", () => {
  const lasting = (validLifetime: number | null, preferredLifetime: number | null) =>
    addressOf("2001:db8::1/64", { validLifetime, preferredLifetime });

  test.each([
    [lasting(null, null), 1e9, lasting(null, null)],
    [lasting(100, 50), 0, lasting(100, 50)],
    [lasting(100, 50), 10, lasting(90, 40)],
    [lasting(100, 50), 10.5, lasting(90, 40)],
    [lasting(100, 50), 60, lasting(40, 0)],
    [lasting(100, 50), 99.5, lasting(1, 0)],
    [lasting(null, 50), 60, lasting(null, 0)],
  ])("%#", (address, seconds, later) => expect(aged(address, seconds)).toEqual(later));

  test.each([100, 100.5, 1e6])("a hundred seconds are over after %p", (seconds) => {
    expect(aged(lasting(100, 50), seconds)).toBeNull();
  });

  test("twice is once for the sum, and nothing is ever there longer", () => {
    const seconds = fc.nat(200);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), seconds, seconds, (valid, one, other) => {
        const address = lasting(valid, Math.ceil(valid / 2));
        const first = aged(address, one);
        expect(first === null ? null : aged(first, other)).toEqual(aged(address, one + other));
        expect(first?.validLifetime ?? 0).toBeLessThanOrEqual(valid);
      }),
    );
  });
});
