import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  asciiz,
  attributes,
  decodeAttributes,
  encodeAttributes,
  i32,
  listOf,
  lladdr,
  nested,
  raw,
  u8,
  u16,
  u32,
} from "../../../src/netlink/attribute.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";

const NLA_F_NESTED = 0x8000;
const NLA_F_NET_BYTEORDER = 0x4000;

const INNER = attributes({ INNER_NAME: [1, asciiz], INNER_COUNT: [2, u32] });
const OUTER = attributes({
  OUTER_U8: [1, u8],
  OUTER_U16: [2, u16],
  OUTER_U32: [3, u32],
  OUTER_I32: [4, i32],
  OUTER_TEXT: [5, asciiz],
  OUTER_MAC: [6, lladdr],
  OUTER_RAW: [7, raw],
  OUTER_NEST: [8, nested(INNER)],
  OUTER_LIST: [9, listOf(3, asciiz)],
});

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

const payload = fc.uint8Array({ maxLength: 40 });
const rawAttribute = fc.record({ type: fc.nat(0xffff), payload });

describe("codecs", () => {
  test.each([
    { name: "u8", codec: u8, value: 0xfe, hex: "fe" },
    { name: "u16", codec: u16, value: 0xfe01, hex: "01fe" },
    { name: "u32", codec: u32, value: 0xfe000001, hex: "010000fe" },
    { name: "i32", codec: i32, value: -2, hex: "feffffff" },
  ])("$name $value is $hex", ({ codec, value, hex }) => {
    expect(codec.encode(value).toHex()).toBe(hex);
    expect(codec.decode(bytes(hex))).toBe(value);
  });

  test.each([
    { name: "u8", codec: u8, hex: "" },
    { name: "u16", codec: u16, hex: "01" },
    { name: "u32", codec: u32, hex: "010203" },
    { name: "i32", codec: i32, hex: "010203" },
  ])("$name of fewer bytes is a DecodeError", ({ codec, hex }) => {
    expect(() => codec.decode(bytes(hex))).toThrow(DecodeError);
  });

  test("a number is read from the front of a longer payload, as nla_get_u32() does", () => {
    expect(u32.decode(bytes("01000000 ffffffff"))).toBe(1);
  });

  test.each([
    { hex: "65746830 00", text: "eth0" },
    { hex: "65746830", text: "eth0" },
    { hex: "65746830 00 66", text: "eth0" },
    { hex: "00", text: "" },
    { hex: "", text: "" },
    { hex: "c3bc 00", text: "ü" },
    { hex: "efbbbf61 00", text: "\ufeffa" },
    { hex: "ff 00", text: "\ufffd" },
  ])("text of $hex is $text", ({ hex, text }) => {
    expect(asciiz.decode(bytes(hex))).toBe(text);
  });

  test("text ends with a NUL on the wire", () => {
    expect(asciiz.encode("eth0").toHex()).toBe("6574683000");
  });

  test("a link-layer address is text of any length", () => {
    expect(lladdr.decode(bytes("0200000000ff"))).toBe("02:00:00:00:00:ff");
    fc.assert(
      fc.property(payload, (address) => {
        expect(lladdr.encode(lladdr.decode(address)).toHex()).toBe(address.toHex());
      }),
    );
  });
});

describe("attributes on the wire", () => {
  test("each has its length without and its place with padding", () => {
    const list = [
      { type: 4, payload: bytes("78050000") },
      { type: 3, payload: bytes("643000") },
      { type: 20, payload: bytes("") },
    ];
    const wire = "0800 0400 78050000  0700 0300 643000 00  0400 1400";
    expect(encodeAttributes(list).toHex()).toBe(bytes(wire).toHex());
    expect(decodeAttributes(bytes(wire))).toEqual(list);
  });

  test("decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(fc.array(rawAttribute, { maxLength: 10 }), (list) => {
        expect(decodeAttributes(encodeAttributes(list))).toEqual(list);
      }),
    );
  });

  test("one of which the last padding is missing is whole, as nla_ok() has it", () => {
    expect(decodeAttributes(bytes("0500 0100 ff"))).toEqual([{ type: 1, payload: bytes("ff") }]);
  });

  test.each([
    { what: "half a header", hex: "0800 01", offset: 0, need: 4, got: 3 },
    { what: "a payload cut short", hex: "0800 0100 ffff", offset: 0, need: 8, got: 6 },
    { what: "a length below the header's", hex: "0300 0100", offset: 0, need: 4, got: 4 },
    { what: "a length of 0", hex: "0000 0100 0800 0100", offset: 0, need: 4, got: 8 },
    { what: "a second one cut short", hex: "0500 0100 ff000000 ffff 0200", offset: 8, need: 65535, got: 4 },
  ])("$what is a DecodeError that says where", ({ hex, offset, need, got }) => {
    expect(() => decodeAttributes(bytes(hex))).toThrow(new DecodeError("nlattr", offset, need, got));
  });

  test("one that is longer than nla_len can say is refused, not cut", () => {
    const list = [{ type: 1, payload: new Uint8Array(0x10000) }];
    expect(() => encodeAttributes(list).length).toThrow();
  });
});

describe("a table", () => {
  const values = fc.record(
    {
      OUTER_U8: fc.nat(0xff),
      OUTER_U16: fc.nat(0xffff),
      OUTER_U32: fc.nat(0xffffffff),
      OUTER_I32: fc.integer(),
      OUTER_TEXT: fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      OUTER_MAC: fc.constantFrom("02:00:00:00:00:01", "00", "ff:ff:ff:ff:ff:ff:ff:ff"),
      OUTER_RAW: payload,
      OUTER_NEST: fc.record({ INNER_NAME: fc.constant("d0"), INNER_COUNT: fc.nat(9) }, { requiredKeys: [] }),
      OUTER_LIST: fc.array(fc.constantFrom("a", "an-altname-of-26-characters", "")),
    },
    { requiredKeys: [] },
  );

  test("decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(OUTER.decode(OUTER.encode(value))).toEqual({ values: value, unknown: [] });
      }),
    );
  });

  test("encodes in the order of the members, without those that are undefined", () => {
    const wire = OUTER.encode({ OUTER_U32: 1, OUTER_U16: undefined, OUTER_U8: 2 });
    expect(decodeAttributes(wire).map(({ type }) => type)).toEqual([3, 1]);
  });

  test("marks nests and lists with NLA_F_NESTED, and what is in a list not", () => {
    const wire = OUTER.encode({ OUTER_NEST: {}, OUTER_LIST: ["a"] });
    expect(decodeAttributes(wire)).toEqual([
      { type: 8 | NLA_F_NESTED, payload: bytes("") },
      { type: 9 | NLA_F_NESTED, payload: bytes("0600 0300 6100 0000") },
    ]);
  });

  test("finds an attribute whatever its flag bits", () => {
    for (const flags of [0, NLA_F_NESTED, NLA_F_NET_BYTEORDER]) {
      const wire = encodeAttributes([{ type: 3 | flags, payload: bytes("2a000000") }]);
      expect(OUTER.decode(wire).values).toEqual({ OUTER_U32: 42 });
    }
  });

  test("of one that comes twice the last counts", () => {
    const wire = encodeAttributes([
      { type: 1, payload: bytes("01") },
      { type: 1, payload: bytes("02") },
    ]);
    expect(OUTER.decode(wire).values).toEqual({ OUTER_U8: 2 });
  });

  test("keeps what it does not know as it came: order, flag bits and bytes", () => {
    const unknown = [
      { type: 99, payload: bytes("0102") },
      { type: 98 | NLA_F_NESTED, payload: bytes("") },
    ];
    const [first, second] = unknown;
    const known = { type: 1, payload: bytes("07") };
    const wire = encodeAttributes([first, known, second].filter((one) => one !== undefined));
    expect(OUTER.decode(wire)).toEqual({ values: { OUTER_U8: 7 }, unknown });
  });

  test("encode(decode(b)) is b where it knows none of it", () => {
    const foreign = fc.record({ type: fc.integer({ min: 100, max: 0x3fff }), payload });
    fc.assert(
      fc.property(fc.array(foreign, { maxLength: 10 }), (list) => {
        const wire = encodeAttributes(list);
        const { values, unknown } = OUTER.decode(wire);
        expect(values).toEqual({});
        expect(encodeAttributes(unknown).toHex()).toBe(wire.toHex());
      }),
    );
  });

  test("a list takes only what it is a list of", () => {
    const inside = encodeAttributes([
      { type: 3, payload: bytes("6100") },
      { type: 4, payload: bytes("6200") },
    ]);
    const wire = encodeAttributes([{ type: 9, payload: inside }]);
    expect(OUTER.decode(wire).values).toEqual({ OUTER_LIST: ["a"] });
  });

  test("a nest that is no attributes is a DecodeError", () => {
    const wire = encodeAttributes([{ type: 8, payload: bytes("ff") }]);
    expect(() => OUTER.decode(wire)).toThrow(DecodeError);
  });
});
