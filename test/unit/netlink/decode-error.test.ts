import { expect, test } from "bun:test";
import { DecodeError, viewOf } from "../../../src/netlink/decode-error.ts";

test("a DecodeError says what was read where, and how much of it is missing", () => {
  const { name, message, struct, offset, need, got } = new DecodeError("nlattr", 8, 12, 3);
  expect({ name, message, struct, offset, need, got }).toEqual({
    name: "DecodeError",
    message: "nlattr at offset 8 needs 12 bytes, and 3 are there",
    struct: "nlattr",
    offset: 8,
    need: 12,
    got: 3,
  });
});

test("viewOf shows exactly the bytes of an array that lies within a larger buffer", () => {
  const bytes = Uint8Array.of(9, 9, 1, 2, 9).subarray(2, 4);
  const view = viewOf("two", bytes, 2);
  expect([view.byteLength, view.getUint8(0), view.getUint8(1)]).toEqual([2, 1, 2]);
});

test("viewOf refuses fewer bytes than are needed", () => {
  expect(() => viewOf("ifinfomsg", new Uint8Array(15), 16)).toThrow(new DecodeError("ifinfomsg", 0, 16, 15));
});
