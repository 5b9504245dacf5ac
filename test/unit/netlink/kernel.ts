import { SyscallError } from "../../../ffi/errno.ts";
import { asciiz, attributes, u32 } from "../../../src/netlink/attribute.ts";
import type { Transport } from "../../../src/netlink/connection.ts";
import { decodeMessages, encodeMessage, type Message } from "../../../src/netlink/message.ts";
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_NEWLINK,
} from "../../../src/netlink/uapi.ts";

const EAGAIN = 11;

/** One datagram of some messages, or the errno that the read of it ends with. */
export type Read = readonly Message[] | { readonly errno: number };

/** A Transport to a kernel that is a function: what was sent last, and how many came before it, to reads. */
export interface FakeKernel extends Transport {
  /** The messages of each datagram that was sent. */
  readonly sent: readonly (readonly Message[])[];
  /** Reads that nobody has read. */
  readonly left: readonly Read[];
}

export function fakeKernel(answer: (requests: readonly Message[], attempt: number) => Read[]): FakeKernel {
  const sent: (readonly Message[])[] = [];
  const left: Read[] = [];
  return {
    sent,
    left,
    send(datagram) {
      const requests = decodeMessages(datagram);
      left.push(...answer(requests, sent.length));
      sent.push(requests);
    },
    receive() {
      const read = left.shift() ?? { errno: EAGAIN };
      if ("errno" in read) throw new SyscallError("recvfrom", read.errno, "AF_NETLINK");
      return Buffer.concat(read.map(encodeMessage));
    },
  };
}

const NLMSGERR = attributes({ NLMSGERR_ATTR_MSG: [1, asciiz], NLMSGERR_ATTR_OFFS: [2, u32] });

/** How an ack says more than an errno. */
export interface AckOptions {
  readonly message?: string;
  readonly offset?: number;
  /** Without the bytes of the request, as after NETLINK_CAP_ACK. */
  readonly capped?: boolean;
}

/** An NLMSG_ERROR in answer to `request`: done, or refused with a positive `errno`. */
export function ack(request: Message, errno = 0, { message, offset, capped }: AckOptions = {}): Message {
  const isCapped = errno === 0 || capped === true;
  const whole = encodeMessage(request);
  const echoed = isCapped ? whole.subarray(0, 16) : whole;
  const said = NLMSGERR.encode({ NLMSGERR_ATTR_MSG: message, NLMSGERR_ATTR_OFFS: offset });
  const flags = (isCapped ? NLM_F_CAPPED : 0) | (said.length > 0 ? NLM_F_ACK_TLVS : 0);
  return reply(request, NLMSG_ERROR, flags, Buffer.concat([int(-errno), echoed, said]));
}

/** One part of a dump. */
export function part(request: Message, payload: Uint8Array, flags = 0): Message {
  return reply(request, RTM_NEWLINK, NLM_F_MULTI | flags, payload);
}

/** The end of a dump. */
export function done(request: Message, errno = 0, message?: string, flags = 0): Message {
  const said = NLMSGERR.encode({ NLMSGERR_ATTR_MSG: message });
  const all = NLM_F_MULTI | flags | (said.length > 0 ? NLM_F_ACK_TLVS : 0);
  return reply(request, NLMSG_DONE, all, Buffer.concat([int(-errno), said]));
}

/** The payloads of messages, as hex. */
export function payloadsOf(messages: readonly Message[]): string[] {
  return messages.map(({ payload }) => payload.toHex());
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** The same answer to somebody else, or to an exchange that was broken off. */
export function foreign(message: Message, by = 1000): Message {
  return { ...message, sequence: message.sequence + by };
}

function reply(request: Message, type: number, flags: number, payload: Uint8Array): Message {
  return { type, flags, sequence: request.sequence, port: 4711, payload };
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
