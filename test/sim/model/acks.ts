import { constants } from "node:os";
import { asciiz, attributes, i32 } from "../../../src/netlink/attribute.ts";
import { encodeMessage, type Message, nlmsghdr } from "../../../src/netlink/message.ts";
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../../../src/netlink/uapi.ts";
import type { Refusal } from "./refusal.ts";
import type { Answer } from "./rtnl.ts";

/** enum nlmsgerr_attrs (linux/netlink.h). */
const NLMSGERR = attributes({ NLMSGERR_ATTR_MSG: [1, asciiz] });

/** Messages of a dump that fit into one datagram; the kernel goes by bytes. */
const DUMP_CHUNK = 16;

/** netlink_ack(): the request was carried out, or refused with the whole of it and the kernel's words. */
export function ack(request: Message, refusal: Refusal | null): Uint8Array {
  const echoed = encodeMessage(request);
  const message = refusal?.extack ?? undefined;
  const tlvs = NLMSGERR.encode({ NLMSGERR_ATTR_MSG: message });
  const echo = refusal === null ? echoed.slice(0, nlmsghdr.size) : echoed;
  const payload = new Uint8Array(4 + echo.length + tlvs.length);
  payload.set(errnoBytes(refusal), 0);
  payload.set(echo, 4);
  payload.set(tlvs, 4 + echo.length);
  const flags = (refusal === null ? NLM_F_CAPPED : 0) | (message === undefined ? 0 : NLM_F_ACK_TLVS);
  return reply(request, { type: NLMSG_ERROR, flags, payload });
}

/** The datagrams of a dump: its messages, and its end, which tells what it came to. */
export function multipart(
  request: Message,
  answers: readonly Answer[],
  refusal: Refusal | null,
): Uint8Array[] {
  const flags = NLM_F_MULTI;
  const datagrams: Uint8Array[] = [];
  for (let at = 0; at < answers.length; at += DUMP_CHUNK) {
    const chunk = answers.slice(at, at + DUMP_CHUNK);
    datagrams.push(Buffer.concat(chunk.map((one) => reply(request, { ...one, flags }))));
  }
  return [...datagrams, reply(request, { type: NLMSG_DONE, flags, payload: errnoBytes(refusal) })];
}

/** One message in answer to a request. */
export function reply(
  request: Message,
  answer: Answer & { readonly flags: number },
): Uint8Array<ArrayBuffer> {
  const { type, flags, payload } = answer;
  return encodeMessage({ type, flags, payload, sequence: request.sequence, port: request.port });
}

function errnoBytes(refusal: Refusal | null): Uint8Array {
  return i32.encode(refusal === null ? 0 : -constants.errno[refusal.code]);
}
