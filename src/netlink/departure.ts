import { linkMessage } from "./link.ts";
import { RTM_DELLINK } from "./uapi.ts";

/** A device that has left its namespace for another one, as RTM_DELLINK tells it in the one that it has left. */
export interface Departure {
  /** What it had here. */
  readonly ifindex: number;
  /** How the namespace that it has left calls the one that it went to. */
  readonly nsid: number;
  /** What it has got there. */
  readonly newIfindex: number;
}

/** What an RTM_DELLINK tells; null: the device is no more, or nobody tells where it went. */
export function decodeDeparture(payload: Uint8Array): Departure | null {
  const { header, values } = linkMessage.decode(payload);
  const { IFLA_NEW_NETNSID: nsid, IFLA_NEW_IFINDEX: newIfindex } = values;
  return nsid === undefined || newIfindex === undefined
    ? null
    : { ifindex: header.ifi_index, nsid, newIfindex };
}

/** BPF_LD|BPF_H|BPF_ABS, BPF_LD|BPF_W|BPF_ABS, BPF_LD|BPF_IMM, BPF_LDX|BPF_IMM, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K. */
const [LD_HALF, LD_WORD, LD_NUMBER, LDX_NUMBER, JUMP_IF, RETURN] = [0x28, 0x20, 0x00, 0x01, 0x15, 0x06];
/** SKF_AD_OFF + SKF_AD_NLATTR (linux/filter.h): where from A on the attribute X is, and 0 where there is none. */
const NLATTR = 0xfffff000 + 12;
/** Of struct nlmsghdr: nlmsg_type. */
const TYPE_OFFSET = 4;
/** Behind struct nlmsghdr and struct ifinfomsg. */
const ATTRIBUTES_OFFSET = 32;
const IFLA_NEW_NETNSID = 45;
const WHOLE = 0xffffffff;

const instruction = (code: number, k: number, jt = 0, jf = 0) => ({ code, jt, jf, k });

/**
 * A socket filter that lets departures through and nothing else: whoever listens in a container's namespace is woken
 * by a device that leaves it, and not by all that the container does to its devices.
 *
 * A halfword is loaded as if it were in network order, and nlmsg_type is not.
 */
export const DEPARTURES_ALONE = [
  instruction(LD_HALF, TYPE_OFFSET),
  instruction(JUMP_IF, RTM_DELLINK << 8, 0, 5),
  instruction(LD_NUMBER, ATTRIBUTES_OFFSET),
  instruction(LDX_NUMBER, IFLA_NEW_NETNSID),
  instruction(LD_WORD, NLATTR),
  instruction(JUMP_IF, 0, 1, 0),
  instruction(RETURN, WHOLE),
  instruction(RETURN, 0),
];
