import type { Message } from "../../../src/netlink/message.ts";
import { nsidMessage } from "../../../src/netlink/nsid.ts";
import { RTM_NEWNSID } from "../../../src/netlink/uapi.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** NETNSA_NSID_NOT_ASSIGNED. */
const NOT_ASSIGNED = -1;

/** RTM_GETNSID with NLM_F_DUMP: the namespaces that this one has a number for. */
export function dumpNsids({ namespace }: Caller): Answer[] {
  return namespace.nsids.flatMap((other, nsid) => (other === null ? [] : [answer(nsid)]));
}

/** RTM_GETNSID with NETNSA_FD: the number of one, if it has any. */
export function readNsid(caller: Caller, request: Message): Answer {
  const fd = nsidMessage.decode(request.payload).values.NETNSA_FD;
  if (fd === undefined) return refuse("EINVAL", "Peer netns reference is missing");
  const nsid = caller.namespace.nsids.indexOf(caller.namespaceOf(fd));
  return answer(nsid < 0 ? NOT_ASSIGNED : nsid);
}

function answer(nsid: number): Answer {
  return { type: RTM_NEWNSID, payload: nsidMessage.encode({}, { NETNSA_NSID: nsid }) };
}
