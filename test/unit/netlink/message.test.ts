import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import { decodeMessages, encodeMessage, nlmsghdr } from "../../../src/netlink/message.ts";

const message = fc.record({
  type: fc.nat(0xffff),
  flags: fc.nat(0xffff),
  sequence: fc.nat(0xffffffff),
  port: fc.nat(0xffffffff),
  payload: fc.uint8Array({ maxLength: 50 }),
});

/** A header that claims `length` bytes, and `behind` bytes after it. */
function claiming(length: number, behind: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(nlmsghdr.size + behind);
  nlmsghdr.encode({ nlmsg_len: length, nlmsg_type: 16 }, new DataView(bytes.buffer), 0);
  return bytes;
}

test("struct nlmsghdr (linux/netlink.h) is laid out as gcc 12.2 does", () => {
  expect(nlmsghdr.size).toBe(16);
  expect(nlmsghdr.offsets).toEqual({
    nlmsg_len: 0,
    nlmsg_type: 4,
    nlmsg_flags: 6,
    nlmsg_seq: 8,
    nlmsg_pid: 12,
  });
});

test("a message is its header, its payload, and zeros to the next multiple of four", () => {
  const bytes = encodeMessage({ type: 16, flags: 5, sequence: 7, port: 9, payload: Uint8Array.of(0xff) });
  expect(bytes.toHex()).toBe("11000000" + "1000" + "0500" + "07000000" + "09000000" + "ff000000");
});

describe("the messages of a datagram", () => {
  test("decode(encode(x)) is x, for any number of messages in one datagram", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        expect(decodeMessages(Buffer.concat(messages.map(encodeMessage)))).toEqual(messages);
      }),
    );
  });

  test("are found wherever in its buffer the datagram lies", () => {
    const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 0, payload: Uint8Array.of(1, 2) });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeMessages(shifted.subarray(3))).toEqual(decodeMessages(bytes));
  });

  test("none are in an empty one", () => {
    expect(decodeMessages(new Uint8Array(0))).toEqual([]);
  });

  test("the padding of the last one may be missing", () => {
    const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 0, payload: Uint8Array.of(0xff) });
    const [only] = decodeMessages(bytes.subarray(0, 17));
    expect(only?.payload).toEqual(Uint8Array.of(0xff));
  });

  test.each([0, 1, 15])("a length of %d, which would never end, is a DecodeError", (length) => {
    expect(() => decodeMessages(claiming(length, 20))).toThrow(new DecodeError("nlmsghdr", 0, 16, 36));
  });

  test.each([37, 0x7fffffff, 0x80000000, 0xffffffff])("a length of %d, past the end, too", (length) => {
    expect(() => decodeMessages(claiming(length, 20))).toThrow(new DecodeError("nlmsghdr", 0, length, 36));
  });

  test("cut short anywhere but between two of them they are a DecodeError", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(), (messages, seed) => {
        const parts = messages.map(encodeMessage);
        const whole = Buffer.concat(parts);
        const cut = seed % whole.length;
        const ends = parts.map((_, at) => Buffer.concat(parts.slice(0, at)).length);
        const isWhole = ends.some((end, at) => {
          const length = nlmsghdr.size + (messages[at]?.payload.length ?? 0);
          return cut === end || (cut >= end + length && cut <= end + Math.ceil(length / 4) * 4);
        });
        if (isWhole) expect(decodeMessages(whole.subarray(0, cut)).length).toBeLessThanOrEqual(parts.length);
        else expect(() => decodeMessages(whole.subarray(0, cut))).toThrow(DecodeError);
      }),
    );
  });
});
