import type { Message } from "../../../src/netlink/message.ts";
import { decodeNexthop, nexthopMessage } from "../../../src/netlink/nexthop-object.ts";
import { AF_INET, AF_INET6, RTM_NEWNEXTHOP } from "../../../src/netlink/uapi.ts";
import { hasCarrier } from "./carrier.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** RTM_NEWNEXTHOP, with NLM_F_CREATE and NLM_F_EXCL: without a gateway, or with one that is on the link. */
export function addNexthop(caller: Caller, request: Message): void {
  const { NHA_OIF = 0 } = nexthopMessage.decode(request.payload).values;
  const nexthop = decodeNexthop(request.payload, NHA_OIF);
  const { links } = caller.namespace;
  const link = links.get(NHA_OIF) ?? refuse("EINVAL", "Invalid device index");
  // rtm_to_nh_config().
  if (!link.up) refuse("ENETDOWN", "Nexthop device is not up");
  if (!hasCarrier(link)) refuse("ENETDOWN", "Carrier for nexthop device is down");
  const all = Array.from(links.values()).flatMap(({ nexthops }) => nexthops);
  if (nexthop === null || all.some(({ id }) => id === nexthop.id)) refuse("EEXIST");
  link.nexthops.push(nexthop);
}

/** RTM_GETNEXTHOP with NLM_F_DUMP: those that leave by one link, in the order of their ids. */
export function dumpNexthops(caller: Caller, request: Message): Answer[] {
  const { NHA_OIF = 0 } = nexthopMessage.decode(request.payload).values;
  const nexthops = caller.namespace.links.get(NHA_OIF)?.nexthops ?? [];
  return nexthops
    .toSorted((a, b) => a.id - b.id)
    .map(({ id, gateway }) => {
      const nh_family = gateway?.includes(":") ? AF_INET6 : AF_INET;
      const values = { NHA_ID: id, NHA_OIF, NHA_GATEWAY: gateway ?? undefined };
      return { type: RTM_NEWNEXTHOP, payload: nexthopMessage.encode({ nh_family }, values) };
    });
}
