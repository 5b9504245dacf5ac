import { USER_FLAGS } from "../../../src/domain/device.ts";
import { decodeToken } from "../../../src/netlink/devconf.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { decodePort } from "../../../src/netlink/port.ts";
import { IFF_UP, RTEXT_FILTER_SKIP_STATS, RTM_NEWLINK, RTM_NEWLINKPROP } from "../../../src/netlink/uapi.ts";
import { linkPayload } from "./link-message.ts";
import { deleteLink, type Link } from "./links.ts";
import { byteLength } from "./names.ts";
import { linkNamed } from "./namespaces.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";
import { addAltname, deleteAltname, setLink } from "./set-link.ts";
import { sysctlsOf } from "./sysctls.ts";

/** IFNAMSIZ and IFALIASZ (linux/if.h) without the closing NUL: the attribute policy's limits. */
const NAME_LIMIT = 15;
const ALIAS_LIMIT = 255;
const POLICY = "Attribute failed policy validation";

/** linux/if.h. */
const IFF_NOARP = 0x80;

type LinkMessage = ReturnType<typeof linkMessage.decode>;

/** RTM_GETLINK of one. */
export function readLink(caller: Caller, request: Message): Answer {
  const message = linkMessage.decode(request.payload);
  const whole = ((message.values.IFLA_EXT_MASK ?? 0) & RTEXT_FILTER_SKIP_STATS) === 0;
  return { type: RTM_NEWLINK, payload: linkPayload(subjectOf(caller, message), null, whole) };
}

/** RTM_GETLINK with NLM_F_DUMP: by ifindex. */
export function dumpLinks(caller: Caller, request: Message): Answer[] {
  const nsid = linkMessage.decode(request.payload).values.IFLA_TARGET_NETNSID;
  const namespace = nsid === undefined ? caller.namespace : caller.namespace.nsids[nsid];
  if (!namespace) return refuse("EINVAL", "Invalid target network namespace id");
  return Array.from(namespace.links.values())
    .sort((a, b) => a.ifindex - b.ifindex)
    .map((link) => ({ type: RTM_NEWLINK, payload: linkPayload(link) }));
}

/** RTM_NEWLINK without NLM_F_CREATE: of a link that is there. */
export function changeLink(caller: Caller, request: Message): void {
  const message = linkMessage.decode(request.payload);
  const { header, values } = message;
  if (byteLength(values.IFLA_IFNAME ?? "") > NAME_LIMIT) refuse("ERANGE", POLICY);
  if (byteLength(values.IFLA_IFALIAS ?? "") > ALIAS_LIMIT) refuse("ERANGE", POLICY);
  const target =
    values.IFLA_NET_NS_FD === undefined ? caller.namespace : caller.namespaceOf(values.IFLA_NET_NS_FD);
  const link = subjectOf(caller, message);
  setPort(link, request.payload);
  const token = decodeToken(request.payload);
  if (token !== null) setToken(link, token);
  setLink(caller.world, link, {
    target,
    newIfindex: values.IFLA_NEW_IFINDEX,
    name: header.ifi_index > 0 ? values.IFLA_IFNAME : undefined,
    mac: values.IFLA_ADDRESS,
    mtu: values.IFLA_MTU,
    group: values.IFLA_GROUP,
    alias: values.IFLA_IFALIAS,
    master: values.IFLA_MASTER,
    flags: (header.ifi_change & USER_FLAGS) === 0 ? undefined : header.ifi_flags & USER_FLAGS,
    up: (header.ifi_change & IFF_UP) === 0 ? undefined : (header.ifi_flags & IFF_UP) !== 0,
    txqueuelen: values.IFLA_TXQLEN,
  });
}

/** inet6_set_iftoken(). */
function setToken(link: Link, token: string): void {
  if ((link.flags & IFF_NOARP) !== 0 || link.rules.noArp) {
    refuse("EINVAL", "Device does not do neighbour discovery");
  }
  const { "ipv6.accept_ra": accept = 1, "ipv6.forwarding": forwarding = 0 } = sysctlsOf(link);
  if (accept === 0 || (accept === 1 && forwarding !== 0))
    refuse("EINVAL", "Router advertisement is disabled on device");
  link.token = token;
}

/** br_changelink() with IFLA_INFO_SLAVE_DATA. */
function setPort(link: Link, payload: Uint8Array): void {
  const settings = Object.entries(decodePort(payload)?.settings ?? {});
  if (settings.length > 0 && link.master === null) refuse("EINVAL");
  for (const [name, value] of settings) link.port.set(name, value);
}

/** RTM_DELLINK: hardware has no rtnl_link_ops to be deleted by. */
export function removeLink(caller: Caller, request: Message): void {
  const link = subjectOf(caller, linkMessage.decode(request.payload));
  if (link.kind === null) refuse("EOPNOTSUPP");
  deleteLink(caller.world, link);
}

/** RTM_NEWLINKPROP, RTM_DELLINKPROP. */
export function changeAltnames(caller: Caller, request: Message): void {
  const message = linkMessage.decode(request.payload);
  const link = subjectOf(caller, message);
  const change = request.type === RTM_NEWLINKPROP ? addAltname : deleteAltname;
  for (const altname of message.values.IFLA_PROP_LIST ?? []) change(link, altname);
}

/** By ifindex, else by name or altname. */
function subjectOf(caller: Caller, { header, values }: LinkMessage): Link {
  const { namespace } = caller;
  const name = values.IFLA_IFNAME ?? values.IFLA_ALT_IFNAME;
  if (header.ifi_index > 0) return namespace.links.get(header.ifi_index) ?? refuse("ENODEV");
  return name === undefined ? refuse("EINVAL") : (linkNamed(namespace, name) ?? refuse("ENODEV"));
}
