import { SyscallError } from "../../ffi/errno.ts";
import { decodeAck } from "./ack.ts";
import { decodeMessages, encodeMessage, type Message, nlmsghdr } from "./message.ts";
import { DumpInterruptedError, NetlinkError } from "./netlink-error.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR } from "./uapi.ts";

/** What carries datagrams to the kernel and back: a socket, or a function of the tests. */
export interface Transport {
  send(datagram: Uint8Array<ArrayBuffer>): void;
  /** The next datagram; throws where none will come. */
  receive(): Uint8Array;
}

/** One thing to ask of the kernel, before it has a sequence number. */
export interface Request {
  readonly type: number;
  /** NLM_F_* beside NLM_F_REQUEST, NLM_F_ACK and NLM_F_DUMP, which the connection sets. */
  readonly flags: number;
  readonly payload: Uint8Array;
  /** What it is for, in an error's message: `move eth1`. */
  readonly about: string;
  /** Names the attribute at an offset of `payload`, for what an extended ack complains of. */
  readonly nameAt: (offset: number) => string | null;
}

/** Requests and their answers over one Transport; not for use by two at the same time. */
export interface Connection {
  /** Sends one request and gives the messages that came before its ack. A refusal is a NetlinkError. */
  request(request: Request): Message[];
  /**
   * Sends all requests in as few datagrams as hold them and gives for each null or why it was refused. The
   * kernel carries on after one that it refused, so they have to be independent of each other.
   */
  batch(requests: readonly Request[]): (NetlinkError | null)[];
  /**
   * Gives a whole dump, begun anew if it was interrupted; DumpInterruptedError where that never ends.
   *
   * @param keep which messages to give, where most of what comes is of no interest
   */
  dump(request: Request, keep?: (message: Message) => boolean): Message[];
}

/** A dump of 5,000 links takes some 25 ms: changes that interrupt it this often never pause. */
const DUMP_TRIES = 10;

/** Requests in one datagram: a socket takes some 200 KiB at once (net.core.wmem_default), and holds as many acks. */
const BATCH = 128;

/** A {@link Connection} over `transport`. */
export function connect(transport: Transport): Connection {
  let sequence = 0;

  function send(requests: readonly Request[], flags: number): number {
    const first = sequence + 1;
    const messages = requests.map((request) => {
      sequence += 1;
      return encodeMessage({
        type: request.type,
        flags: request.flags | NLM_F_REQUEST | flags,
        sequence,
        port: 0,
        payload: request.payload,
      });
    });
    transport.send(concatenate(messages));
    return first;
  }

  /** Reads until each of `requests`, numbered from `first`, has its ack. */
  function acks(requests: readonly Request[], first: number, replies: Message[]): (NetlinkError | null)[] {
    const results: (NetlinkError | null)[] = requests.map(() => null);
    let open = requests.length;
    while (open > 0) {
      for (const message of decodeMessages(transport.receive())) {
        const request = requests[message.sequence - first];
        // What is left of an earlier exchange that was broken off.
        if (request === undefined) continue;
        if (message.type !== NLMSG_ERROR) {
          replies.push(message);
          continue;
        }
        results[message.sequence - first] = errorOf(request, message);
        open -= 1;
      }
    }
    return results;
  }

  /** One try of a dump; null where it was interrupted. */
  function dumpOnce(request: Request, keep: (message: Message) => boolean): Message[] | null {
    const first = send([request], NLM_F_DUMP);
    const messages: Message[] = [];
    let interrupted = false;
    for (;;) {
      const datagram = receiveOrOverrun();
      // A part of it is lost; the kernel goes on with the rest, and takes up no other dump before its end.
      if (datagram === null) interrupted = true;
      for (const message of datagram === null ? [] : decodeMessages(datagram)) {
        if (message.sequence !== first) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
          const error = errorOf(request, message);
          if (error !== null) throw error;
          return interrupted ? null : messages;
        }
        if (keep(message)) messages.push(message);
      }
    }
  }

  /** The next datagram; null where the receive buffer overran (netlink(7), ENOBUFS). */
  function receiveOrOverrun(): Uint8Array | null {
    try {
      return transport.receive();
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENOBUFS") return null;
      throw error;
    }
  }

  return {
    request(request) {
      const replies: Message[] = [];
      const [error] = acks([request], send([request], NLM_F_ACK), replies);
      if (error) throw error;
      return replies;
    },
    batch(requests) {
      const errors: (NetlinkError | null)[] = [];
      for (let at = 0; at < requests.length; at += BATCH) {
        const some = requests.slice(at, at + BATCH);
        errors.push(...acks(some, send(some, NLM_F_ACK), []));
      }
      return errors;
    },
    dump(request, keep = () => true) {
      for (let attempt = 0; attempt < DUMP_TRIES; attempt++) {
        const messages = dumpOnce(request, keep);
        if (messages !== null) return messages;
      }
      throw new DumpInterruptedError(request.about, DUMP_TRIES);
    },
  };
}

function errorOf(request: Request, message: Message): NetlinkError | null {
  const ack = decodeAck(message);
  if (ack.errno === 0) return null;
  const attribute = ack.offset === null ? null : request.nameAt(ack.offset - nlmsghdr.size);
  return new NetlinkError(request.about, ack.errno, ack.message, attribute);
}

function concatenate(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
