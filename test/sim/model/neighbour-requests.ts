import type { Neighbour } from "../../../src/domain/neighbour.ts";
import type { Message } from "../../../src/netlink/message.ts";
import {
  addNeighbour as addRequest,
  decodeNeighbour,
  neighbourMessage,
} from "../../../src/netlink/neighbour.ts";
import { decodeQdisc, qdiscMessage, setQdisc } from "../../../src/netlink/qdisc.ts";
import { AF_BRIDGE, RTM_NEWNEIGH, RTM_NEWQDISC } from "../../../src/netlink/uapi.ts";
import { addNeighbour, NTF_PROXY } from "./neighbours.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";

const TC_H_ROOT = 0xffffffff;

/** RTM_NEWNEIGH. */
export function changeNeighbour(caller: Caller, request: Message): void {
  const { ifindex, neighbour } = decodeNeighbour(request.payload);
  const link = caller.namespace.links.get(ifindex);
  // rtnl_fdb_add() says more than neigh_add().
  if (link === undefined) refuse("ENODEV", neighbour.family === "bridge" ? "unknown ifindex" : null);
  addNeighbour(link, neighbour);
}

/** RTM_GETNEIGH with NLM_F_DUMP: one of the tables of one link. */
export function dumpNeighbours(caller: Caller, request: Message): Answer[] {
  const { header, values } = neighbourMessage.decode(request.payload);
  const link = caller.namespace.links.get(values.NDA_IFINDEX ?? header.ndm_ifindex);
  const isOf = ({ family, flags }: Neighbour) =>
    (family === "bridge") === (header.ndm_family === AF_BRIDGE) &&
    (flags & NTF_PROXY) === (header.ndm_flags & NTF_PROXY);
  return (link?.neighbours ?? [])
    .filter(isOf)
    .map((one) => ({ type: RTM_NEWNEIGH, payload: addRequest(link?.ifindex ?? 0, one, "").payload }));
}

/** RTM_GETQDISC of one: at the root alone. */
export function readQdisc(caller: Caller, request: Message): Answer {
  const { tcm_ifindex, tcm_parent } = qdiscMessage.decode(request.payload).header;
  const link = caller.namespace.links.get(tcm_ifindex) ?? refuse("ENODEV");
  if (tcm_parent !== TC_H_ROOT || link.qdisc === null) refuse("ENOENT");
  return { type: RTM_NEWQDISC, payload: setQdisc(tcm_ifindex, link.qdisc, "").payload };
}

/** RTM_NEWQDISC, in place of the one at the root. */
export function changeQdisc(caller: Caller, request: Message): void {
  const { tcm_ifindex } = qdiscMessage.decode(request.payload).header;
  const link = caller.namespace.links.get(tcm_ifindex) ?? refuse("ENODEV");
  const qdisc = decodeQdisc(request.payload);
  if (link.qdisc?.handle === qdisc?.handle && link.qdisc?.kind !== qdisc?.kind) {
    refuse("EINVAL", "Invalid qdisc name: must match existing qdisc");
  }
  link.qdisc = qdisc;
}
