import type { Message } from "../../../src/netlink/message.ts";
import { routeMessage } from "../../../src/netlink/route.ts";
import { AF_INET, AF_INET6, RTM_NEWROUTE } from "../../../src/netlink/uapi.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** RTN_UNICAST and RT_TABLE_MAIN (linux/rtnetlink.h). */
const RTN_UNICAST = 1;
const RT_TABLE_MAIN = 254;

/** RTM_GETROUTE with NLM_F_DUMP: the default routes that leave by one link. */
export function dumpRoutes(caller: Caller, request: Message): Answer[] {
  const { header, values } = routeMessage.decode(request.payload);
  const links = Array.from(caller.namespace.links.values());
  return links
    .filter(({ ifindex }) => values.RTA_OIF === undefined || values.RTA_OIF === ifindex)
    .flatMap(({ ifindex, defaultRoutes }) =>
      defaultRoutes
        .map((family) => (family === "inet" ? AF_INET : AF_INET6))
        .filter((family) => family === header.rtm_family)
        .map((family) => ({ type: RTM_NEWROUTE, payload: defaultRoute(family, ifindex) })),
    );
}

function defaultRoute(family: number, ifindex: number): Uint8Array {
  const header = { rtm_family: family, rtm_type: RTN_UNICAST, rtm_table: RT_TABLE_MAIN };
  return routeMessage.encode(header, { RTA_OIF: ifindex });
}
