import { alignUp } from "../../ffi/layout.ts";
import { asciiz, attributes, u32 } from "./attribute.ts";
import { DecodeError, viewOf } from "./decode-error.ts";
import { type Message, nlmsghdr } from "./message.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE } from "./uapi.ts";

/** enum nlmsgerr_attrs (linux/netlink.h). */
const NLMSGERR = attributes({
  NLMSGERR_ATTR_MSG: [1, asciiz],
  NLMSGERR_ATTR_OFFS: [2, u32],
});

/** What an NLMSG_ERROR or NLMSG_DONE says. */
export interface Ack {
  /** 0: done; otherwise a positive errno. */
  readonly errno: number;
  /** The kernel's own words. With errno 0 it is a warning. */
  readonly message: string | null;
  /** Offset of the attribute at fault from the start of the request's nlmsghdr. */
  readonly offset: number | null;
}

/** struct nlmsgerr { int error; struct nlmsghdr msg; } without what follows. */
const ERROR_SIZE = 4;

/**
 * Reads an ack: `int error`, for NLMSG_ERROR the request's header (and, with an errno, all of the request
 * unless NLM_F_CAPPED), then attributes where NLM_F_ACK_TLVS says so. Attributes that make no sense degrade
 * to the bare errno: it is the part that counts.
 */
export function decodeAck(message: Message): Ack {
  const { payload, flags, type } = message;
  // Kernels before 2.6.33 or so end a dump with an empty NLMSG_DONE, and a successful one is the same thing.
  if (type === NLMSG_DONE && payload.length === 0) return { errno: 0, message: null, offset: null };
  const view = viewOf("nlmsgerr", payload, ERROR_SIZE);
  const errno = 0 - view.getInt32(0, true);
  const bare = { errno, message: null, offset: null };
  if ((flags & NLM_F_ACK_TLVS) === 0) return bare;
  let start = ERROR_SIZE;
  if (type !== NLMSG_DONE) {
    if (payload.length < ERROR_SIZE + nlmsghdr.size) return bare;
    const capped = errno === 0 || (flags & NLM_F_CAPPED) !== 0;
    const echoed = capped ? nlmsghdr.size : nlmsghdr.decode(view, ERROR_SIZE).nlmsg_len;
    start += alignUp(echoed, 4);
  }
  try {
    const { values } = NLMSGERR.decode(payload.subarray(start));
    return { errno, message: values.NLMSGERR_ATTR_MSG ?? null, offset: values.NLMSGERR_ATTR_OFFS ?? null };
  } catch (error) {
    if (error instanceof DecodeError) return bare;
    throw error;
  }
}
