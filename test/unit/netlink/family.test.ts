import { describe, expect, test } from "bun:test";
import { struct } from "../../../ffi/layout.ts";
import { asciiz, attributes, u32 } from "../../../src/netlink/attribute.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import { family } from "../../../src/netlink/family.ts";

const header = struct("header", { kind: "u8", index: "u32" });
const table = attributes({ NAME: [1, asciiz], COUNT: [2, u32] });
const messages = family(header, table);

describe("a family of messages", () => {
  test("is the header's struct with the table's attributes behind it", () => {
    const payload = messages.encode({ kind: 1, index: 7 }, { COUNT: 2, NAME: "a" });
    expect(payload.toHex()).toBe("01000000" + "07000000" + "0800020002000000" + "0600010061000000");
    expect(messages.decode(payload)).toEqual({
      header: { kind: 1, index: 7 },
      values: { COUNT: 2, NAME: "a" },
      unknown: [],
    });
  });

  test("may have no attributes, and members that are left out", () => {
    expect(messages.encode({}, {}).toHex()).toBe("00".repeat(8));
    expect(messages.decode(new Uint8Array(8))).toEqual({
      header: { kind: 0, index: 0 },
      values: {},
      unknown: [],
    });
  });

  test("of fewer bytes than the header's is a DecodeError that names the struct", () => {
    expect(() => messages.decode(new Uint8Array(7))).toThrow(new DecodeError("header", 0, 8, 7));
  });

  test("makes requests that can name their attributes by the offset in the payload", () => {
    const request = messages.request(16, 0x400, { index: 7 }, { COUNT: 2, NAME: "a" }, "look");
    const { type, flags, about, payload } = request;
    expect({ type, flags, about }).toEqual({ type: 16, flags: 0x400, about: "look" });
    expect(payload.toHex()).toBe(messages.encode({ index: 7 }, { COUNT: 2, NAME: "a" }).toHex());
    expect([-16, 0, 4, 8, 15, 16, 24].map(request.nameAt)).toEqual([
      null,
      null,
      null,
      "COUNT",
      "COUNT",
      "NAME",
      null,
    ]);
  });
});
