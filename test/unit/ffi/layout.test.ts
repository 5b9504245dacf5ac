import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { alignUp, readScalar, type Scalar, scalarSize, struct, writeScalar } from "../../../ffi/layout.ts";
import { sockaddr_nl } from "../../../ffi/netlink-socket.ts";

const SCALARS = ["u8", "u16", "i16", "u32", "i32", "u64", "be16", "be32"] as const;

describe("size and offsets are what gcc 12.2 gives on x86-64", () => {
  test("struct sockaddr_nl (linux/netlink.h)", () => {
    expect(sockaddr_nl.size).toBe(12);
    expect(sockaddr_nl.offsets).toEqual({ nl_family: 0, nl_pad: 2, nl_pid: 4, nl_groups: 8 });
  });

  test("struct pollfd (poll.h)", () => {
    const pollfd = struct("pollfd", { fd: "i32", events: "i16", revents: "i16" });
    expect(pollfd.size).toBe(8);
    expect(pollfd.offsets).toEqual({ fd: 0, events: 4, revents: 6 });
  });

  test("struct ndmsg (linux/neighbour.h), its padding written out", () => {
    const ndmsg = struct("ndmsg", {
      ndm_family: "u8",
      ndm_pad1: "u8",
      ndm_pad2: "u16",
      ndm_ifindex: "i32",
      ndm_state: "u16",
      ndm_flags: "u8",
      ndm_type: "u8",
    });
    expect(ndmsg.size).toBe(12);
    expect(ndmsg.offsets).toEqual({
      ndm_family: 0,
      ndm_pad1: 1,
      ndm_pad2: 2,
      ndm_ifindex: 4,
      ndm_state: 8,
      ndm_flags: 10,
      ndm_type: 11,
    });
  });

  test("struct prefixmsg (linux/rtnetlink.h), padding before a member left to the compiler", () => {
    const prefixmsg = struct("prefixmsg", {
      prefix_family: "u8",
      prefix_ifindex: "i32",
      prefix_type: "u8",
      prefix_len: "u8",
      prefix_flags: "u8",
    });
    expect(prefixmsg.size).toBe(12);
    expect(prefixmsg.offsets).toEqual({
      prefix_family: 0,
      prefix_ifindex: 4,
      prefix_type: 8,
      prefix_len: 9,
      prefix_flags: 10,
    });
  });

  test("struct rtnl_link_ifmap (linux/if_link.h), with trailing padding", () => {
    const ifmap = struct("rtnl_link_ifmap", {
      mem_start: "u64",
      mem_end: "u64",
      base_addr: "u64",
      irq: "u16",
      dma: "u8",
      port: "u8",
    });
    expect(ifmap.size).toBe(32);
    expect(ifmap.offsets).toEqual({ mem_start: 0, mem_end: 8, base_addr: 16, irq: 24, dma: 26, port: 27 });
  });

  test("struct ifla_vf_vlan_info (linux/if_link.h), with a member in network order", () => {
    const info = struct("ifla_vf_vlan_info", { vf: "u32", vlan: "u32", qos: "u32", vlan_proto: "be16" });
    expect(info.size).toBe(16);
    expect(info.offsets).toEqual({ vf: 0, vlan: 4, qos: 8, vlan_proto: 12 });
  });

  test("struct { u8 a; u64 b; u8 c; }, padded on both sides", () => {
    const padded = struct("padded", { a: "u8", b: "u64", c: "u8" });
    expect(padded.size).toBe(24);
    expect(padded.offsets).toEqual({ a: 0, b: 8, c: 16 });
  });
});

describe("scalars", () => {
  test.each<{ type: Scalar; value: number; bytes: string }>([
    { type: "u8", value: 0xfe, bytes: "fe" },
    { type: "u16", value: 0xfe01, bytes: "01fe" },
    { type: "i16", value: -2, bytes: "feff" },
    { type: "u32", value: 0xfe000001, bytes: "010000fe" },
    { type: "i32", value: -2, bytes: "feffffff" },
    { type: "u64", value: 0x0001_0000_0002, bytes: "0200000001000000" },
    { type: "be16", value: 0xfe01, bytes: "fe01" },
    { type: "be32", value: 0xfe000001, bytes: "fe000001" },
  ])("$type of $value is $bytes", ({ type, value, bytes }) => {
    const written = new Uint8Array(scalarSize(type));
    writeScalar(new DataView(written.buffer), 0, type, value);
    expect(written.toHex()).toBe(bytes);
    expect(readScalar(new DataView(written.buffer), 0, type)).toBe(value);
  });

  test.each(SCALARS)("%s past the end of the view is a RangeError", (type) => {
    const view = new DataView(new ArrayBuffer(scalarSize(type)));
    expect(() => readScalar(view, 1, type)).toThrow(RangeError);
    expect(() => writeScalar(view, 1, type, 0)).toThrow(RangeError);
  });
});

test("alignUp gives the least multiple that is not below the value", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 30), fc.constantFrom(1, 2, 4, 8), (value, alignment) => {
      const aligned = alignUp(value, alignment);
      expect(aligned % alignment).toBe(0);
      expect(aligned - value).toBeGreaterThanOrEqual(0);
      expect(aligned - value).toBeLessThan(alignment);
    }),
  );
});

describe("laws of any struct", () => {
  const ranges: Readonly<Record<Scalar, fc.Arbitrary<number>>> = {
    u8: fc.nat(0xff),
    u16: fc.nat(0xffff),
    i16: fc.integer({ min: -0x8000, max: 0x7fff }),
    u32: fc.nat(0xffffffff),
    i32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    u64: fc.maxSafeNat(),
    be16: fc.nat(0xffff),
    be32: fc.nat(0xffffffff),
  };
  const members = fc
    .array(fc.constantFrom(...SCALARS), { minLength: 1, maxLength: 12 })
    .map((types) => types.map((type, at) => [`m${at}`, type] as const));
  /** Members, and a value for each. */
  const membersAndValue = members.chain((list) =>
    fc.record({
      list: fc.constant(list),
      value: fc.record(Object.fromEntries(list.map(([name, type]) => [name, ranges[type]]))),
    }),
  );

  test("members follow each other, each aligned to its size, with no more padding than that needs", () => {
    fc.assert(
      fc.property(members, (list) => {
        const declared = struct("any", Object.fromEntries(list));
        let end = 0;
        for (const [name, type] of list) {
          const offset = declared.offsets[name];
          expect(offset).toBe(Math.ceil(end / scalarSize(type)) * scalarSize(type));
          end = (offset ?? 0) + scalarSize(type);
        }
        const alignment = Math.max(...list.map(([, type]) => scalarSize(type)));
        expect(declared.size).toBe(Math.ceil(end / alignment) * alignment);
      }),
    );
  });

  test("decode(encode(x)) is x, at any offset", () => {
    fc.assert(
      fc.property(membersAndValue, fc.nat(9), ({ list, value }, offset) => {
        const declared = struct("any", Object.fromEntries(list));
        const view = new DataView(new ArrayBuffer(offset + declared.size));
        declared.encode(value, view, offset);
        expect(declared.decode(view, offset)).toEqual(value);
      }),
    );
  });

  test("encode zeroes its padding and touches nothing beside itself", () => {
    fc.assert(
      fc.property(membersAndValue, ({ list, value }) => {
        const declared = struct("any", Object.fromEntries(list));
        const dirty = new Uint8Array(declared.size + 16).fill(0xff);
        declared.encode(value, new DataView(dirty.buffer), 8);
        const clean = new Uint8Array(declared.size);
        for (const [name, type] of list) {
          writeScalar(new DataView(clean.buffer), declared.offsets[name] ?? 0, type, value[name] ?? 0);
        }
        const around = "ff".repeat(8);
        expect(dirty.toHex()).toBe(`${around}${clean.toHex()}${around}`);
      }),
    );
  });

  test("members left out are 0", () => {
    fc.assert(
      fc.property(members, (list) => {
        const declared = struct("any", Object.fromEntries(list));
        const dirty = new Uint8Array(declared.size).fill(0xff);
        declared.encode({}, new DataView(dirty.buffer), 0);
        expect(dirty.toHex()).toBe("00".repeat(declared.size));
      }),
    );
  });

  test("a view that ends early is a RangeError", () => {
    fc.assert(
      fc.property(members, (list) => {
        const declared = struct("any", Object.fromEntries(list));
        const short = new DataView(new ArrayBuffer(declared.size - 1));
        expect(() => declared.encode({}, short, 0)).toThrow(RangeError);
      }),
    );
    const word = struct("word", { low: "u16", high: "u16" });
    expect(() => word.decode(new DataView(new ArrayBuffer(3)), 0)).toThrow(RangeError);
  });
});
