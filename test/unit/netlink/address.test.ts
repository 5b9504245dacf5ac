import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Address } from "../../../src/domain/address.ts";
import { formatIp } from "../../../src/domain/ip.ts";
import {
  addAddress,
  addressMessage,
  decodeAddress,
  deleteAddress,
  getAddresses,
  ifaddrmsg,
  ip,
} from "../../../src/netlink/address.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELADDR,
  RTM_NEWADDR,
} from "../../../src/netlink/uapi.ts";

const [AF_INET, AF_INET6, AF_MPLS] = [2, 10, 28];
const FOR_EVER = 0xffffffff;

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIp);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIp);
/** Never FOR_EVER, which is null. */
const seconds = fc.option(fc.nat(FOR_EVER - 1));

function addressOf(family: Address["family"]): fc.Arbitrary<Address> {
  const text = family === "inet" ? ipv4 : ipv6;
  const record = fc.record({
    family: fc.constant(family),
    local: text,
    peer: fc.option(text),
    prefixLength: fc.nat(family === "inet" ? 32 : 128),
    broadcast: family === "inet" ? fc.option(text) : fc.constant(null),
    label: family === "inet" ? fc.constantFrom(null, "d0", "d0:one") : fc.constant(null),
    scope: fc.nat(255),
    flags: fc.nat(0xffffffff),
    metric: fc.option(fc.integer({ min: 1, max: 0xffffffff })),
    protocol: fc.option(fc.integer({ min: 1, max: 255 })),
    preferredLifetime: seconds,
    validLifetime: seconds,
  });
  return record.map((address) => ({
    ...address,
    peer: address.peer === address.local ? null : address.peer,
  }));
}

const anyAddress = fc.oneof(addressOf("inet"), addressOf("inet6"));
const plain: Address = {
  family: "inet",
  local: "192.0.2.1",
  peer: null,
  prefixLength: 24,
  broadcast: null,
  label: null,
  scope: 0,
  flags: 0,
  metric: null,
  protocol: null,
  preferredLifetime: null,
  validLifetime: null,
};

test("struct ifaddrmsg (linux/if_addr.h) is laid out as gcc 12.2 does", () => {
  expect(ifaddrmsg.size).toBe(8);
  expect(ifaddrmsg.offsets).toEqual({
    ifa_family: 0,
    ifa_prefixlen: 1,
    ifa_flags: 2,
    ifa_scope: 3,
    ifa_index: 4,
  });
});

describe("addresses", () => {
  test("what is asked for is what is told: decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(anyAddress, fc.nat(0x7fffffff), (address, ifindex) => {
        for (const request of [
          addAddress(ifindex, address, false, "add"),
          deleteAddress(ifindex, address, "delete"),
        ]) {
          expect(decodeAddress(request.payload)).toEqual({ ifindex, address });
        }
      }),
    );
  });

  test("add refuses one that is there, replace does not, delete says neither", () => {
    const requests = [
      addAddress(7, plain, false, "add"),
      addAddress(7, plain, true, "replace"),
      deleteAddress(7, plain, "delete"),
    ];
    expect(requests.map(({ type, flags, about }) => ({ type, flags, about }))).toEqual([
      { type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, about: "add" },
      { type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, about: "replace" },
      { type: RTM_DELADDR, flags: 0, about: "delete" },
    ]);
  });

  test("lifetimes are sent where one is finite, and then both", () => {
    const lifetimes = (address: Partial<Address>) =>
      addressMessage.decode(addAddress(7, { ...plain, ...address }, false, "add").payload).values
        .IFA_CACHEINFO;
    expect(lifetimes({})).toBeUndefined();
    expect(lifetimes({ preferredLifetime: 0 })).toEqual({ preferred: 0, valid: FOR_EVER });
    expect(lifetimes({ validLifetime: 60 })).toEqual({ preferred: FOR_EVER, valid: 60 });
  });

  test("the filter of a dump is the ifindex alone", () => {
    const { header, values } = addressMessage.decode(getAddresses(7).payload);
    expect({ header, values }).toEqual({
      header: { ifa_family: 0, ifa_prefixlen: 0, ifa_flags: 0, ifa_scope: 0, ifa_index: 7 },
      values: {},
    });
  });
});

describe("decodeAddress", () => {
  test("IPv6 tells its own end in IFA_ADDRESS where there is no peer", () => {
    const payload = addressMessage.encode({ ifa_family: AF_INET6 }, { IFA_ADDRESS: "2001:db8::1" });
    expect(decodeAddress(payload).address).toMatchObject({ local: "2001:db8::1", peer: null });
  });

  test("flags are those of the header on a kernel that sends no IFA_FLAGS", () => {
    const payload = addressMessage.encode(
      { ifa_family: AF_INET, ifa_flags: 0x82 },
      { IFA_LOCAL: "192.0.2.1" },
    );
    expect(decodeAddress(payload).address.flags).toBe(0x82);
  });

  test("a metric and a protocol of 0 are none", () => {
    const payload = addressMessage.encode(
      { ifa_family: AF_INET },
      { IFA_LOCAL: "192.0.2.1", IFA_RT_PRIORITY: 0, IFA_PROTO: 0 },
    );
    expect(decodeAddress(payload).address).toMatchObject({ metric: null, protocol: null });
  });

  test("one without an address, and one of another family, are DecodeErrors", () => {
    expect(() => decodeAddress(addressMessage.encode({ ifa_family: AF_INET }, {}))).toThrow(DecodeError);
    const mpls = addressMessage.encode({ ifa_family: AF_MPLS }, { IFA_LOCAL: "192.0.2.1" });
    expect(() => decodeAddress(mpls)).toThrow(DecodeError);
  });
});

describe("the codec of an IP address", () => {
  test("decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        expect(ip.decode(ip.encode(text))).toBe(text);
      }),
    );
  });

  test("takes 4 or 16 bytes: anything else is a DecodeError", () => {
    for (let length = 0; length < 20; length++) {
      const decode = () => ip.decode(new Uint8Array(length));
      if (length === 4 || length === 16) expect(decode).not.toThrow();
      else expect(decode).toThrow(DecodeError);
    }
  });

  test("text that is no address is a fault of the caller", () => {
    expect(() => ip.encode("192.0.2.256")).toThrow(TypeError);
  });
});
