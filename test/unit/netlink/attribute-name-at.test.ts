import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  asciiz,
  attributes,
  encodeAttributes,
  listOf,
  nested,
  u8,
  u32,
} from "../../../src/netlink/attribute.ts";

const NLA_F_NESTED = 0x8000;

const INNER = attributes({ INNER_NAME: [1, asciiz], INNER_COUNT: [2, u32] });
const OUTER = attributes({
  OUTER_U8: [1, u8],
  OUTER_NEST: [8, nested(INNER)],
  OUTER_LIST: [9, listOf(3, asciiz)],
});

describe("nameAt", () => {
  const wire = encodeAttributes([
    { type: 1, payload: Uint8Array.of(1) },
    { type: 8 | NLA_F_NESTED, payload: INNER.encode({ INNER_NAME: "d0", INNER_COUNT: 1 }) },
    { type: 9 | NLA_F_NESTED, payload: encodeAttributes([{ type: 3, payload: asciiz.encode("a") }]) },
    { type: 99, payload: new Uint8Array(4) },
  ]);

  test.each([
    { offset: -1, name: null },
    { offset: 0, name: "OUTER_U8" },
    { offset: 4, name: "OUTER_U8" },
    { offset: 5, name: null },
    { offset: 8, name: "OUTER_NEST" },
    { offset: 12, name: "INNER_NAME" },
    { offset: 20, name: "INNER_COUNT" },
    { offset: 27, name: "INNER_COUNT" },
    { offset: 28, name: "OUTER_LIST" },
    { offset: 32, name: "OUTER_LIST" },
    { offset: 40, name: null },
    { offset: 48, name: null },
    { offset: 1e9, name: null },
  ])("at offset $offset: $name", ({ offset, name }) => {
    expect(OUTER.nameAt(wire, offset)).toBe(name);
  });

  test("gives a name or null for any bytes and any offset", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer(), (any, offset) => {
        const name = OUTER.nameAt(any, offset);
        expect(name === null || /^(OUTER|INNER)_/.test(name)).toBe(true);
      }),
    );
  });
});
