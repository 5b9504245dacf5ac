import { alignUp, struct } from "../../ffi/layout.ts";
import { DecodeError } from "./decode-error.ts";
import { u16At, u32At } from "./little-endian.ts";

/** struct nlmsghdr (linux/netlink.h). */
export const nlmsghdr = struct("nlmsghdr", {
  nlmsg_len: "u32",
  nlmsg_type: "u16",
  nlmsg_flags: "u16",
  nlmsg_seq: "u32",
  nlmsg_pid: "u32",
});

/** #define NLMSG_ALIGNTO 4U */
const NLMSG_ALIGNTO = 4;

/** One netlink message: the header's members and the bytes behind it. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** nlmsg_pid: the port of whom the message is for. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** What a header is written into first: a view for each message takes longer than to write it. */
const headerBytes = new Uint8Array(nlmsghdr.size);
const headerView = new DataView(headerBytes.buffer);

/** The message as it goes over the wire, padded to NLMSG_ALIGNTO. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const length = nlmsghdr.size + message.payload.length;
  const bytes = new Uint8Array(alignUp(length, NLMSG_ALIGNTO));
  const header = {
    nlmsg_len: length,
    nlmsg_type: message.type,
    nlmsg_flags: message.flags,
    nlmsg_seq: message.sequence,
    nlmsg_pid: message.port,
  };
  nlmsghdr.encode(header, headerView, 0);
  bytes.set(headerBytes);
  bytes.set(message.payload, nlmsghdr.size);
  return bytes;
}

/** The messages of one datagram. A datagram that ends within a message is a {@link DecodeError}. */
export function decodeMessages(datagram: Uint8Array): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < datagram.length) {
    const left = datagram.length - at;
    if (left < nlmsghdr.size) throw new DecodeError("nlmsghdr", at, nlmsghdr.size, left);
    const length = u32At(datagram, at);
    if (length < nlmsghdr.size || length > left) {
      throw new DecodeError("nlmsghdr", at, Math.max(length, nlmsghdr.size), left);
    }
    messages.push({
      type: u16At(datagram, at + nlmsghdr.offsets.nlmsg_type),
      flags: u16At(datagram, at + nlmsghdr.offsets.nlmsg_flags),
      sequence: u32At(datagram, at + nlmsghdr.offsets.nlmsg_seq),
      port: u32At(datagram, at + nlmsghdr.offsets.nlmsg_pid),
      payload: datagram.subarray(at + nlmsghdr.size, at + length),
    });
    at += alignUp(length, NLMSG_ALIGNTO);
  }
  return messages;
}
