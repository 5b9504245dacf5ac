import { dependentsOf } from "./carrier.ts";
import { flushInet, INET_MIN_MTU, relabel } from "./inet.ts";
import { flushInet6, IPV6_MIN_MTU } from "./inet6.ts";
import { isTakenBeside, joinMaster, type Link, leaveMaster, setDown, setUp, tell } from "./links.ts";
import { move } from "./move.ts";
import { preparedName } from "./names.ts";
import { linkNamed, type Namespace } from "./namespaces.ts";
import { flushNeighbours, forgetNeighbours } from "./neighbours.ts";
import { refuse } from "./refusal.ts";
import { flushRoutes } from "./routes.ts";
import { forgetSysctls } from "./sysctls.ts";
import type { World } from "./world.ts";

/** What RTM_NEWLINK asks for of a link that is there. undefined: nothing. */
export interface LinkRequest {
  /** The namespace that it is in already, or another one. */
  readonly target: Namespace;
  readonly newIfindex: number | undefined;
  readonly name: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number | undefined;
  readonly group: number | undefined;
  readonly alias: string | undefined;
  /** The ifindex of a bridge, bond, team or VRF; 0: none. */
  readonly master: number | undefined;
  /** USER_FLAGS. */
  readonly flags: number | undefined;
  readonly up: boolean | undefined;
  readonly txqueuelen: number | undefined;
}

/**
 * do_setlink(): moves first, then changes one thing after another in this order, and stops at the first that
 * is refused with what it has done left done.
 */
export function setLink(world: World, link: Link, request: LinkRequest): void {
  const {
    target,
    newIfindex = 0,
    name = "",
    mac,
    mtu,
    group,
    alias,
    master,
    flags,
    up,
    txqueuelen,
  } = request;
  if (target !== link.namespace) move(world, link, target, name === "" ? null : name, newIfindex);
  try {
    if (mac !== undefined) setMac(world, link, mac);
    if (mtu !== undefined) setMtu(world, link, mtu);
    if (group !== undefined) link.group = group;
    if (name !== "" && name !== link.name) rename(link, name);
    if (alias !== undefined) link.alias = alias === "" ? null : alias;
    if (master !== undefined) setMaster(world, link, master);
    if (flags !== undefined) link.flags = flags;
    if (up === true) setUp(world, link);
    if (up === false) setDown(world, link);
    if (txqueuelen !== undefined) link.txqueuelen = txqueuelen;
  } finally {
    tell(link);
  }
}

/** RTM_NEWLINKPROP. */
export function addAltname(link: Link, altname: string): void {
  if (linkNamed(link.namespace, altname) !== null) refuse("EEXIST");
  link.altnames.push(altname);
  stateChanged(link);
}

/** RTM_DELLINKPROP. */
export function deleteAltname(link: Link, altname: string): void {
  const at = link.altnames.indexOf(altname);
  if (at < 0) refuse(linkNamed(link.namespace, altname) === null ? "ENOENT" : "EINVAL");
  link.altnames.splice(at, 1);
  stateChanged(link);
}

/** netdev_state_change(): nobody is told of a device that is down. */
function stateChanged(link: Link): void {
  if (link.up) tell(link);
}

function setMaster(world: World, link: Link, ifindex: number): void {
  if (link.master?.ifindex === ifindex) return;
  leaveMaster(world, link);
  if (ifindex === 0) return;
  joinMaster(world, link, link.namespace.links.get(ifindex) ?? refuse("EINVAL"));
}

/** dev_change_name(). */
function rename(link: Link, wanted: string): void {
  if (link.rules.name === "while down" && link.up) refuse("EBUSY");
  link.name = preparedName(link.namespace, wanted);
  relabel(link);
}

/** dev_set_mac_address() and eth_mac_addr(). */
function setMac(world: World, link: Link, mac: string): void {
  if (link.rules.mac === "never") refuse("EOPNOTSUPP");
  // NETDEV_CHANGEADDR is told of the one that it has too.
  if (mac === link.mac) {
    forgetNeighbours(link);
    return;
  }
  if (link.rules.mac === "while down" && link.up) refuse("EBUSY");
  const isMulticast = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  if (isMulticast || /^[0:]*$/.test(mac)) refuse("EADDRNOTAVAIL");
  if (isTakenBeside(world, link, mac)) refuse("EADDRINUSE");
  link.mac = mac;
  forgetNeighbours(link);
}

/** netif_set_mtu_ext() and what the drivers add. */
function setMtu(world: World, link: Link, mtu: number): void {
  if (mtu === link.mtu) return;
  const { minMtu, maxMtu, overhead } = link.rules;
  if (mtu < minMtu) refuse("EINVAL", "mtu less than device minimum");
  if (maxMtu > 0 && mtu > maxMtu) refuse("EINVAL", "mtu greater than device maximum");
  if (link.lower !== null && mtu > link.lower.mtu - overhead) refuse("EINVAL");
  link.mtu = mtu;
  link.sysctls.delete("ipv6.mtu");
  if (mtu < INET_MIN_MTU) {
    flushInet(link);
    flushNeighbours(link, "inet");
  }
  if (mtu < IPV6_MIN_MTU) {
    flushInet6(link);
    flushNeighbours(link, "inet6");
    flushRoutes(link, "inet6");
  }
  forgetSysctls(link);
  for (const upper of dependentsOf(world, link)) {
    // macvlan_device_event(): none has more than what it is built on.
    if (upper.kind === "macvlan" && upper.mtu > mtu) {
      setMtu(world, upper, mtu);
      tell(upper);
    }
  }
}
