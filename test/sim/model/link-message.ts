import { encodeAttributes, lladdr, u32 } from "../../../src/netlink/attribute.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import { encodeMessage } from "../../../src/netlink/message.ts";
import { brport } from "../../../src/netlink/port.ts";
import { IFF_UP, RTM_DELLINK, RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { operstateOf } from "./carrier.ts";
import type { Link } from "./links.ts";
import { type Namespace, nsidOf } from "./namespaces.ts";
import { toldSysctls } from "./sysctls.ts";

/** What there is to tell of a link. */
export type LinkNews =
  | { readonly type: "is" }
  /** `moved`: how the namespace that it went to is called here, and its ifindex there; null: it is no more. */
  | { readonly type: "deleted"; readonly moved: { readonly nsid: number; readonly ifindex: number } | null };

/** IFLA_VXLAN_LINK (linux/if_link.h). */
const IFLA_VXLAN_LINK = 3;
const IFLA_BOND_SLAVE_PERM_HWADDR = 4;
const IFLA_BOND_SLAVE_QUEUE_ID = 5;

/** A notification as RTNLGRP_LINK carries it. */
export function linkDatagram(link: Link, news: LinkNews): Uint8Array {
  const type = news.type === "is" ? RTM_NEWLINK : RTM_DELLINK;
  const moved = news.type === "is" ? null : news.moved;
  return encodeMessage({ type, flags: 0, sequence: 0, port: 0, payload: linkPayload(link, moved) });
}

/**
 * rtnl_fill_ifinfo().
 *
 * @param whole as it is told to whoever does not leave out the statistics
 */
export function linkPayload(
  link: Link,
  moved: Extract<LinkNews, { type: "deleted" }>["moved"] = null,
  whole = false,
): Uint8Array {
  const { ifindex, elsewhere } = linkOf(link);
  return linkMessage.encode(
    { ifi_type: link.type, ifi_index: link.ifindex, ifi_flags: link.flags | (link.up ? IFF_UP : 0) },
    {
      IFLA_IFNAME: link.name,
      IFLA_TXQLEN: link.txqueuelen,
      IFLA_OPERSTATE: operstateOf(link),
      IFLA_MTU: link.mtu,
      IFLA_GROUP: link.group,
      IFLA_LINK: ifindex,
      IFLA_MASTER: link.master?.ifindex,
      IFLA_IFALIAS: link.alias ?? undefined,
      IFLA_ADDRESS: link.mac ?? undefined,
      IFLA_PERM_ADDRESS: link.permanentMac ?? undefined,
      IFLA_LINKINFO: infoOf(link),
      IFLA_LINK_NETNSID: elsewhere === undefined ? undefined : nsidOf(link.namespace, elsewhere),
      IFLA_NEW_NETNSID: moved?.nsid,
      IFLA_NEW_IFINDEX: moved?.ifindex,
      IFLA_PROP_LIST: link.altnames.length > 0 ? link.altnames : undefined,
      IFLA_AF_SPEC: toldSysctls(link, whole),
      IFLA_PARENT_DEV_NAME: link.parentDev ?? undefined,
      IFLA_PARENT_DEV_BUS_NAME: link.parentBus ?? undefined,
      IFLA_NETNS_IMMUTABLE: link.rules.immutable ? 1 : 0,
    },
  );
}

/** IFLA_LINK, and the namespace that it is of where that is another one. A vxlan away from home names itself. */
function linkOf(link: Link): { readonly ifindex?: number; readonly elsewhere?: Namespace } {
  const { namespace, origin, kind } = link;
  if (kind === "vxlan") return origin === namespace ? {} : { ifindex: link.ifindex, elsewhere: origin };
  const other = link.peer ?? link.lower;
  if (other === null) return kind === "veth" ? { ifindex: 0 } : {};
  if (other.namespace === namespace) return { ifindex: other.ifindex };
  return { ifindex: other.ifindex, elsewhere: other.namespace };
}

function infoOf(link: Link) {
  if (link.kind === null && link.master === null) return undefined;
  const underlay = link.kind === "vxlan" ? link.lower : null;
  const data = { type: IFLA_VXLAN_LINK, payload: u32.encode(underlay?.ifindex ?? 0) };
  return {
    IFLA_INFO_KIND: link.kind ?? undefined,
    IFLA_INFO_DATA: underlay === null ? undefined : encodeAttributes([data]),
    IFLA_INFO_SLAVE_KIND: link.master?.kind ?? undefined,
    IFLA_INFO_SLAVE_DATA: slaveData(link),
  };
}

/** br_port_fill_slave_info(), bond_fill_slave_info(). */
function slaveData(link: Link): Uint8Array | undefined {
  if (link.master?.kind === "bridge") return brport.encode(portOf(link));
  if (link.master?.kind !== "bond") return undefined;
  const mac = { type: IFLA_BOND_SLAVE_PERM_HWADDR, payload: lladdr.encode(link.own?.mac ?? "") };
  const queue = {
    type: IFLA_BOND_SLAVE_QUEUE_ID,
    payload: u32.encode(link.port.get("queue_id") ?? 0).subarray(0, 2),
  };
  return encodeAttributes([mac, queue]);
}

/** new_nbp(): what a port begins with; and what was set. */
export function portOf(link: Link): Record<string, number> {
  return { learning: 1, flood: 1, priority: 32, cost: 2, ...Object.fromEntries(link.port) };
}
