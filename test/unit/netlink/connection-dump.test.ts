import { describe, expect, test } from "bun:test";
import { connect } from "../../../src/netlink/connection.ts";
import { getLinks } from "../../../src/netlink/link.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { DumpInterruptedError, NetlinkError } from "../../../src/netlink/netlink-error.ts";
import { NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST } from "../../../src/netlink/uapi.ts";
import { errorOf } from "./error-of.ts";
import {
  ack,
  bytes,
  done,
  type FakeKernel,
  fakeKernel,
  foreign,
  part,
  payloadsOf,
  type Read,
} from "./kernel.ts";

const [EPERM, ENOBUFS] = [1, 105];
const DUMP_TRIES = 10;
const list = getLinks();

describe("dump", () => {
  /** A kernel that gives `answers` to one try after the other, the last of them again and again. */
  function dumping(...answers: ((request: Message) => Read[])[]): FakeKernel {
    return fakeKernel(([request], attempt) => {
      const answer = answers[Math.min(attempt, answers.length - 1)];
      return request === undefined || answer === undefined ? [] : answer(request);
    });
  }

  const whole = (request: Message) => [[part(request, bytes(7))], [done(request)]];

  test("asks with NLM_F_DUMP and without NLM_F_ACK", () => {
    const kernel = dumping(whole);
    connect(kernel).dump(list);
    expect(kernel.sent.flat().map(({ flags }) => flags)).toEqual([NLM_F_REQUEST | NLM_F_DUMP]);
  });

  test("is read over as many datagrams as it comes in", () => {
    const kernel = dumping((request) => [
      [part(request, bytes(1)), part(request, bytes(2))],
      [part(request, bytes(3))],
      [part(request, bytes(4)), done(request)],
    ]);
    expect(payloadsOf(connect(kernel).dump(list))).toEqual(["01", "02", "03", "04"]);
    expect(kernel.left).toEqual([]);
  });

  test("may be of nothing", () => {
    expect(connect(dumping((request) => [[done(request)]])).dump(list)).toEqual([]);
  });

  test("skips messages with another sequence number, their end too", () => {
    const kernel = dumping((request) => [
      [foreign(part(request, bytes(9))), part(request, bytes(1))],
      [foreign(done(request))],
      [part(request, bytes(2)), done(request)],
    ]);
    expect(payloadsOf(connect(kernel).dump(list))).toEqual(["01", "02"]);
  });

  test.each<{ what: string; interrupted: (request: Message) => Read[] }>([
    {
      what: "a part",
      interrupted: (request) => [[part(request, bytes(1), NLM_F_DUMP_INTR)], [done(request)]],
    },
    {
      what: "its end",
      interrupted: (request) => [[part(request, bytes(1))], [done(request, 0, undefined, NLM_F_DUMP_INTR)]],
    },
  ])("that was interrupted, as $what says, is read to its end and begun anew", ({ interrupted }) => {
    const kernel = dumping(interrupted, interrupted, whole);
    expect(payloadsOf(connect(kernel).dump(list))).toEqual(["07"]);
    expect(kernel.sent.flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(kernel.left).toEqual([]);
  });

  test(`that is interrupted ${DUMP_TRIES} times is given up`, () => {
    const kernel = dumping((request) => [
      [part(request, bytes(1), NLM_F_DUMP_INTR), done(request, 0, undefined, NLM_F_DUMP_INTR)],
    ]);
    const error = errorOf(() => connect(kernel).dump(list));
    expect(error).toEqual(new DumpInterruptedError("list devices", DUMP_TRIES));
    expect(String(error)).toStartWith("DumpInterruptedError: list devices: interrupted 10 times: ");
    expect(kernel.sent).toHaveLength(DUMP_TRIES);
  });

  test("of which a part was lost to an overrun is begun anew, and what is left of it is skipped", () => {
    const overrun = (request: Message): Read[] => [
      [part(request, bytes(1))],
      { errno: ENOBUFS },
      [part(request, bytes(3)), done(request)],
    ];
    const kernel = dumping(overrun, whole);
    expect(payloadsOf(connect(kernel).dump(list))).toEqual(["07"]);
    expect(kernel.sent).toHaveLength(2);
  });

  test("that overruns again and again is given up", () => {
    const kernel = dumping((request) => [{ errno: ENOBUFS }, [done(request)]]);
    expect(() => connect(kernel).dump(list)).toThrow(DumpInterruptedError);
    expect(kernel.sent).toHaveLength(DUMP_TRIES);
  });

  test.each<{ what: string; refusal: (request: Message) => Read[] }>([
    { what: "at once", refusal: (request) => [[ack(request, EPERM, { message: "not yours" })]] },
    {
      what: "at its end",
      refusal: (request) => [[part(request, bytes(1)), done(request, EPERM, "not yours")]],
    },
  ])("that is refused $what is a NetlinkError, and is not tried again", ({ refusal }) => {
    const kernel = dumping(refusal, whole);
    const error = errorOf(() => connect(kernel).dump(list));
    expect(error).toEqual(new NetlinkError("list devices", EPERM, "not yours", null));
    expect(kernel.sent).toHaveLength(1);
  });

  test("any other fault of the transport is handed on, and is not tried again", () => {
    const kernel = dumping(() => [{ errno: EPERM }], whole);
    expect(() => connect(kernel).dump(list)).toThrow("recvfrom AF_NETLINK: EPERM");
    expect(kernel.sent).toHaveLength(1);
  });
});
