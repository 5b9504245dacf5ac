import { describe, expect, test } from "bun:test";
import { SyscallError } from "../../../ffi/errno.ts";
import { attributes, nested, raw, u32 } from "../../../src/netlink/attribute.ts";
import { connect, type Request } from "../../../src/netlink/connection.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import { family } from "../../../src/netlink/family.ts";
import { ifinfomsg } from "../../../src/netlink/link.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { NetlinkError } from "../../../src/netlink/netlink-error.ts";
import { NLM_F_ACK, NLM_F_EXCL, NLM_F_REQUEST, RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { errorOf } from "./error-of.ts";
import { ack, bytes, type FakeKernel, fakeKernel, foreign, part, payloadsOf, type Read } from "./kernel.ts";

const [EPERM, EEXIST, EINVAL, ENOBUFS] = [1, 17, 22, 105];

const INFO = attributes({ INFO_DATA: [2, raw], INFO_COUNT: [3, u32] });
const LINK = attributes({ LINK_MTU: [4, u32], LINK_INFO: [18, nested(INFO)] });
const linkLike = family(ifinfomsg, LINK);

function requestOf(about: string, flags = 0): Request {
  return linkLike.request(RTM_NEWLINK, flags, { ifi_index: 7 }, { LINK_MTU: 1400 }, about);
}

/** A kernel that answers each of the messages of one datagram by itself. */
function kernelOf(answer: (request: Message, number: number) => Read[]): FakeKernel {
  return fakeKernel((requests) => requests.flatMap(answer));
}

describe("request", () => {
  test("sends the request with NLM_F_REQUEST and NLM_F_ACK beside its own flags, to port 0", () => {
    const kernel = kernelOf((request) => [[ack(request)]]);
    const request = requestOf("change d0", NLM_F_EXCL);
    expect(connect(kernel).request(request)).toEqual([]);
    expect(kernel.sent).toEqual([
      [
        {
          type: RTM_NEWLINK,
          flags: NLM_F_REQUEST | NLM_F_ACK | NLM_F_EXCL,
          sequence: 1,
          port: 0,
          payload: request.payload,
        },
      ],
    ]);
  });

  test("gives what came before the ack, in one datagram or in several", () => {
    const together = kernelOf((request) => [
      [part(request, bytes(1)), part(request, bytes(2)), ack(request)],
    ]);
    const apart = kernelOf((request) => [
      [part(request, bytes(1))],
      [part(request, bytes(2))],
      [ack(request)],
    ]);
    for (const kernel of [together, apart]) {
      expect(payloadsOf(connect(kernel).request(requestOf("look")))).toEqual(["01", "02"]);
      expect(kernel.left).toEqual([]);
    }
  });

  test("numbers its requests one after the other", () => {
    const kernel = kernelOf((request) => [[ack(request)]]);
    const connection = connect(kernel);
    for (const about of ["one", "two", "three"]) connection.request(requestOf(about));
    expect(kernel.sent.flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test("skips messages and acks with another sequence number", () => {
    const kernel = kernelOf((request) => [
      [foreign(part(request, bytes(9))), foreign(ack(request, EPERM))],
      [foreign(ack(request, EPERM), -1), part(request, bytes(1)), ack(request)],
    ]);
    expect(payloadsOf(connect(kernel).request(requestOf("look")))).toEqual(["01"]);
  });

  test("is not misled by the late answer to a request that was broken off", () => {
    const kernel = fakeKernel(([request], attempt) => {
      if (request === undefined) return [];
      if (attempt === 0) return [{ errno: ENOBUFS }, [ack(request, EPERM)]];
      return [[ack(request)]];
    });
    const connection = connect(kernel);
    expect(() => connection.request(requestOf("first"))).toThrow(SyscallError);
    expect(connection.request(requestOf("second"))).toEqual([]);
  });

  test.each([
    { what: "uncapped", capped: false },
    { what: "capped", capped: true },
  ])("a refusal is an error in the kernel's words that names the attribute: $what", ({ capped }) => {
    const kernel = kernelOf((request) => [
      [ack(request, EINVAL, { message: "mtu less than device minimum", offset: 32, capped })],
    ]);
    const error = errorOf(() => connect(kernel).request(requestOf("change d0")));
    expect(error).toEqual(new NetlinkError("change d0", EINVAL, "mtu less than device minimum", "LINK_MTU"));
    expect(String(error)).toBe("NetlinkError: change d0: EINVAL: mtu less than device minimum (LINK_MTU)");
  });

  test("the attribute at fault is named inside a nest too", () => {
    const values = { LINK_MTU: 1, LINK_INFO: { INFO_DATA: bytes(1, 2), INFO_COUNT: 3 } };
    const request = linkLike.request(RTM_NEWLINK, 0, {}, values, "change d0");
    // nlmsghdr 16, ifinfomsg 16, LINK_MTU 8, then the nest's header, INFO_DATA and INFO_COUNT.
    const named = [32, 40, 44, 52].map((offset) => {
      const kernel = kernelOf((sent) => [[ack(sent, EINVAL, { offset })]]);
      const error = errorOf(() => connect(kernel).request(request));
      return error instanceof NetlinkError ? error.attribute : error;
    });
    expect(named).toEqual(["LINK_MTU", "LINK_INFO", "INFO_DATA", "INFO_COUNT"]);
  });

  test.each([0, 15, 16, 31, 4000])("an offset of %d, where no attribute is, names none", (offset) => {
    const kernel = kernelOf((request) => [[ack(request, EINVAL, { message: "no", offset })]]);
    const error = errorOf(() => connect(kernel).request(requestOf("change d0")));
    expect(error).toEqual(new NetlinkError("change d0", EINVAL, "no", null));
  });

  test("a refusal without words is told in those of errno", () => {
    const kernel = kernelOf((request) => [[ack(request, EEXIST)]]);
    expect(() => connect(kernel).request(requestOf("rename d0"))).toThrow(
      "rename d0: EEXIST: file already exists",
    );
  });

  test("a warning on a request that was done is no error", () => {
    const kernel = kernelOf((request) => [[ack(request, 0, { message: "mtu is odd" })]]);
    expect(connect(kernel).request(requestOf("change d0"))).toEqual([]);
  });

  test("what a read ends with is handed on, and so are bytes that make no sense", () => {
    const broken = kernelOf(() => [{ errno: ENOBUFS }]);
    expect(() => connect(broken).request(requestOf("look"))).toThrow("recvfrom AF_NETLINK: ENOBUFS");
    const senseless = { send: () => {}, receive: () => bytes(1, 2, 3) };
    expect(() => connect(senseless).request(requestOf("look"))).toThrow(DecodeError);
  });
});

describe("batch", () => {
  test("of none sends nothing", () => {
    const kernel = fakeKernel(() => []);
    expect(connect(kernel).batch([])).toEqual([]);
    expect(kernel.sent).toEqual([]);
  });

  test("sends all in one datagram and tells of each what came of it: one refused in the middle", () => {
    const kernel = kernelOf((request, number) => [
      [number === 1 ? ack(request, EPERM, { message: "not yours", offset: 32 }) : ack(request)],
    ]);
    const results = connect(kernel).batch([requestOf("one"), requestOf("two"), requestOf("three")]);
    expect(results).toEqual([null, new NetlinkError("two", EPERM, "not yours", "LINK_MTU"), null]);
    expect(kernel.sent.map((requests) => requests.map(({ sequence }) => sequence))).toEqual([[1, 2, 3]]);
    expect(kernel.sent.flat().every(({ flags }) => (flags & NLM_F_ACK) !== 0)).toBe(true);
  });

  test("matches acks to requests by number, however they are ordered and bundled", () => {
    const kernel = fakeKernel(([first, second, third]) => {
      if (first === undefined || second === undefined || third === undefined) return [];
      return [
        [ack(third, EEXIST), foreign(ack(first, EPERM))],
        [ack(first), ack(second, EINVAL)],
      ];
    });
    const results = connect(kernel).batch([requestOf("one"), requestOf("two"), requestOf("three")]);
    expect(results.map((result) => result?.code ?? null)).toEqual([null, "EINVAL", "EEXIST"]);
  });

  test("is as many datagrams as a socket's buffers need, and tells of each in order", () => {
    const kernel = fakeKernel((requests) => [
      requests.map((request) => ack(request, request.sequence % 100 === 0 ? EINVAL : 0)),
    ]);
    const results = connect(kernel).batch(Array.from({ length: 300 }, () => requestOf("one")));
    expect(kernel.sent.map(({ length }) => length)).toEqual([128, 128, 44]);
    expect(results).toHaveLength(300);
    expect(results.flatMap((error, at) => (error === null ? [] : [at]))).toEqual([99, 199, 299]);
  });

  test("the exchange after it goes on with the next number", () => {
    const kernel = kernelOf((request) => [[ack(request)]]);
    const connection = connect(kernel);
    connection.batch([requestOf("one"), requestOf("two")]);
    connection.request(requestOf("three"));
    expect(kernel.sent.at(-1)?.map(({ sequence }) => sequence)).toEqual([3]);
  });
});
