import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeAck } from "../../../src/netlink/ack.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from "../../../src/netlink/uapi.ts";
import { ack, done } from "./kernel.ts";

const EINVAL = 22;
const request: Message = {
  type: 16,
  flags: 5,
  sequence: 1,
  port: 0,
  payload: Uint8Array.fromHex(`${"00000000070000000000000000000000"}${"0a00010002000000002a0000"}`),
};

/** The errno of an ack, as bytes. */
function errorBytes(errno: number): Uint8Array {
  return new Uint8Array(Int32Array.of(-errno).buffer);
}

describe("what an ack says", () => {
  test("done", () => {
    expect(decodeAck(ack(request))).toEqual({ errno: 0, message: null, offset: null });
  });

  test("done, with a warning", () => {
    const decoded = decodeAck(ack(request, 0, { message: "MTU is odd" }));
    expect(decoded.message).toBe("MTU is odd");
    expect(decoded.offset).toBeNull();
  });

  test("done, with a warning, on a kernel that does not say that it left the request out", () => {
    const { flags, ...rest } = ack(request, 0, { message: "MTU is odd" });
    expect(decodeAck({ ...rest, flags: flags & ~NLM_F_CAPPED }).message).toBe("MTU is odd");
  });

  test("refused, in words behind an echoed request whose last padding does not count in its length", () => {
    const odd = { ...request, payload: Uint8Array.of(1, 2, 3, 4, 5) };
    const refusal = ack(odd, EINVAL, { message: "no", offset: 16 });
    expect(decodeAck(refusal)).toEqual({ errno: EINVAL, message: "no", offset: 16 });
  });

  test.each([
    { what: "uncapped, with the request echoed", capped: false },
    { what: "capped", capped: true },
  ])("refused, in words, for an attribute: $what", ({ capped }) => {
    const refusal = ack(request, EINVAL, { message: "mtu less than device minimum", offset: 32, capped });
    expect(decodeAck(refusal)).toEqual({
      errno: EINVAL,
      message: "mtu less than device minimum",
      offset: 32,
    });
  });

  test("refused, in words alone; for an attribute alone; with neither", () => {
    const bare = { errno: EINVAL, message: null, offset: null };
    expect(decodeAck(ack(request, EINVAL, { message: "no" }))).toEqual({ ...bare, message: "no" });
    expect(decodeAck(ack(request, EINVAL, { offset: 32 }))).toEqual({ ...bare, offset: 32 });
    expect(decodeAck(ack(request, EINVAL))).toEqual(bare);
  });

  test("the end of a dump: whole, refused, refused in words", () => {
    expect(decodeAck(done(request))).toEqual({ errno: 0, message: null, offset: null });
    expect(decodeAck(done(request, EINVAL))).toEqual({ errno: EINVAL, message: null, offset: null });
    expect(decodeAck(done(request, EINVAL, "no"))).toEqual({ errno: EINVAL, message: "no", offset: null });
  });

  test("the end of a dump without an errno is that of a whole one", () => {
    const empty = { ...done(request), payload: new Uint8Array(0) };
    expect(decodeAck(empty)).toEqual({ errno: 0, message: null, offset: null });
  });
});

describe("an ack that makes no sense", () => {
  test.each([
    { type: NLMSG_ERROR, length: 0 },
    { type: NLMSG_ERROR, length: 3 },
    { type: NLMSG_DONE, length: 1 },
    { type: NLMSG_DONE, length: 3 },
  ])("$length bytes hold no errno: DecodeError", ({ type, length }) => {
    const short = { ...request, type, payload: new Uint8Array(length) };
    expect(() => decodeAck(short)).toThrow(new DecodeError("nlmsgerr", 0, 4, length));
  });

  const broken: { what: string; behind: string }[] = [
    { what: "half a header of the request", behind: "1400000010000500" },
    { what: "attributes cut short", behind: `${"10000000100005000100000000000000"}ff000100` },
    { what: "an echo that is longer than all of it", behind: "ff000000100005000100000000000000" },
    { what: "an echo of 0 bytes", behind: "00000000100005000100000000000000" },
    { what: "an echo of 2^31 bytes", behind: "00000080100005000100000000000000" },
    { what: "an echo of 2^32 - 1 bytes", behind: "ffffffff100005000100000000000000" },
  ];
  test.each(broken)("$what leaves the errno", ({ behind }) => {
    const payload = Buffer.concat([errorBytes(EINVAL), Uint8Array.fromHex(behind)]);
    const message = { ...request, type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, payload };
    expect(decodeAck(message)).toEqual({ errno: EINVAL, message: null, offset: null });
  });

  test("the errno is that of the first four bytes, whatever is behind them", () => {
    const any = fc.record({
      type: fc.constantFrom(NLMSG_ERROR, NLMSG_DONE),
      flags: fc.constantFrom(0, NLM_F_ACK_TLVS, NLM_F_ACK_TLVS | NLM_F_CAPPED),
      errno: fc.integer({ min: 1, max: 4095 }),
      behind: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(any, ({ type, flags, errno, behind }) => {
        const payload = Buffer.concat([errorBytes(errno), behind]);
        expect(decodeAck({ ...request, type, flags, payload }).errno).toBe(errno);
      }),
    );
  });
});
