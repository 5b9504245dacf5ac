import { decodeMessages, type Message } from "../../../src/netlink/message.ts";
import {
  NLM_F_DUMP,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELLINKPROP,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETMDB,
  RTM_GETNEIGH,
  RTM_GETNEXTHOP,
  RTM_GETNSID,
  RTM_GETQDISC,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWLINKPROP,
  RTM_NEWNEIGH,
  RTM_NEWNEXTHOP,
  RTM_NEWQDISC,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from "../../../src/netlink/uapi.ts";
import { ack, multipart, reply } from "./acks.ts";
import { changeAddress, dumpAddresses } from "./address-requests.ts";
import { changeAltnames, changeLink, dumpLinks, readLink, removeLink } from "./link-requests.ts";
import type { Namespace } from "./namespaces.ts";
import { changeNeighbour, changeQdisc, dumpNeighbours, readQdisc } from "./neighbour-requests.ts";
import { addNexthop, dumpNexthops } from "./nexthops.ts";
import { dumpNsids, readNsid } from "./nsid-requests.ts";
import { Refusal, refuse } from "./refusal.ts";
import { changeRoute, dumpRoutes } from "./route-requests.ts";
import { addRule, dumpRules } from "./rules.ts";
import type { World } from "./world.ts";

/** Who asks: the namespace of the socket, and what an fd is to its process. */
export interface Caller {
  readonly world: World;
  readonly namespace: Namespace;
  /** Refuses what is no fd of a network namespace. */
  namespaceOf(fd: number): Namespace;
}

/** One message of an answer. */
export interface Answer {
  readonly type: number;
  readonly payload: Uint8Array;
}

/**
 * rtnetlink_rcv(): what comes back for one datagram. Its requests are carried out in order, whatever comes of
 * each.
 */
export function answer(caller: Caller, datagram: Uint8Array): Uint8Array[] {
  return decodeMessages(datagram).flatMap((request) => answerOne(caller, request));
}

function answerOne(caller: Caller, request: Message): Uint8Array[] {
  const dump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP ? DUMPS.get(request.type) : undefined;
  try {
    if (dump !== undefined) return multipart(request, dump(caller, request), null);
    const answers = carryOut(caller, request).map((one) => reply(request, { ...one, flags: 0 }));
    return [...answers, ack(request, null)];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return dump === undefined ? [ack(request, error)] : multipart(request, [], error);
  }
}

const DUMPS: ReadonlyMap<number, (caller: Caller, request: Message) => Answer[]> = new Map([
  [RTM_GETLINK, dumpLinks],
  [RTM_GETADDR, dumpAddresses],
  [RTM_GETROUTE, dumpRoutes],
  [RTM_GETRULE, dumpRules],
  [RTM_GETNSID, dumpNsids],
  [RTM_GETNEIGH, dumpNeighbours],
  [RTM_GETNEXTHOP, dumpNexthops],
  // Nobody makes a port a member of a multicast group here.
  [RTM_GETMDB, () => []],
]);

function carryOut(caller: Caller, request: Message): Answer[] {
  switch (request.type) {
    case RTM_GETLINK:
      return [readLink(caller, request)];
    case RTM_NEWLINK:
      changeLink(caller, request);
      return [];
    case RTM_DELLINK:
      removeLink(caller, request);
      return [];
    case RTM_NEWLINKPROP:
    case RTM_DELLINKPROP:
      changeAltnames(caller, request);
      return [];
    case RTM_NEWADDR:
    case RTM_DELADDR:
      changeAddress(caller, request);
      return [];
    case RTM_NEWNEIGH:
      changeNeighbour(caller, request);
      return [];
    case RTM_NEWNEXTHOP:
      addNexthop(caller, request);
      return [];
    case RTM_NEWRULE:
      addRule(caller, request);
      return [];
    case RTM_GETQDISC:
      return [readQdisc(caller, request)];
    case RTM_NEWQDISC:
      changeQdisc(caller, request);
      return [];
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      changeRoute(caller, request);
      return [];
    case RTM_GETNSID:
      return [readNsid(caller, request)];
    default:
      return refuse("EOPNOTSUPP");
  }
}
