import {
  type Address,
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_OPTIMISTIC,
  IFA_F_PERMANENT,
  IFA_F_TENTATIVE,
} from "../../../src/domain/address.ts";
import { formatIp, parseIp } from "../../../src/domain/ip.ts";
import { macBytes } from "../../../src/domain/mac.ts";
import type { AddFlags } from "./addresses.ts";
import { hasCarrier } from "./carrier.ts";
import { type HeldAddress, heldOf } from "./held-address.ts";
import type { Link } from "./links.ts";
import { refuse } from "./refusal.ts";
import { dropSource } from "./routes.ts";
import { later, type World } from "./world.ts";

/** RFC 8200, 5: the least that IPv6 needs. */
export const IPV6_MIN_MTU = 1280;

/** IFA_F_* that inet6_rtm_newaddr() takes: NODAD, OPTIMISTIC, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN. */
const TAKEN_FLAGS = 0x02 | 0x04 | 0x10 | 0x100 | 0x200 | 0x400;
/** IFA_F_* that inet6_addr_modify() takes off first: NODAD, HOMEADDRESS, DEPRECATED, PERMANENT, MANAGETEMPADDR, NOPREFIXROUTE. */
const REPLACED_FLAGS = 0x02 | 0x10 | 0x20 | 0x80 | 0x100 | 0x200;
/** RT_SCOPE_SITE, RT_SCOPE_LINK, RT_SCOPE_HOST (linux/rtnetlink.h). */
const SCOPE = { site: 200, link: 253, host: 254 } as const;
/** IFAPROT_KERNEL_LL (linux/if_addr.h). */
const KERNEL_LL = 3;

/** inet6_rtm_newaddr(). */
export function addInet6(world: World, link: Link, address: Address, how: AddFlags): void {
  if (link.mtu < IPV6_MIN_MTU) refuse("EINVAL");
  const list = link.addresses.inet6;
  const held = heldOf(world, {
    ...address,
    flags: address.flags & TAKEN_FLAGS,
    scope: scopeOf(address.local),
  });
  const existing = list.find(({ local }) => local === held.local);
  if (existing !== undefined) {
    if (how.exclusive || !how.replace) refuse("EEXIST", "ipv6: address already assigned");
    existing.flags = (existing.flags & ~REPLACED_FLAGS) | held.flags;
    existing.peer = held.peer ?? existing.peer;
    existing.metric = held.metric ?? existing.metric;
    existing.protocol = held.protocol;
    existing.preferredUntil = held.preferredUntil;
    existing.validUntil = held.validUntil;
    return;
  }
  if ((held.flags & IFA_F_NODAD) === 0) held.flags |= IFA_F_TENTATIVE;
  insert(list, held);
  startDetection(world, link, held);
}

/** inet6_rtm_deladdr(). */
export function deleteInet6(link: Link, address: Address): void {
  if (link.mtu < IPV6_MIN_MTU) refuse("ENXIO", "ipv6: IPv6 is disabled on this device");
  const list = link.addresses.inet6;
  const at = list.findIndex(
    (held) => held.local === address.local && held.prefixLength === address.prefixLength,
  );
  if (at < 0) refuse("EADDRNOTAVAIL", "ipv6: address not found");
  list.splice(at, 1);
  dropSource(link, address.local);
}

/** addrconf_ifdown() with keep_addr_on_down 0. */
export function flushInet6(link: Link): void {
  link.addresses.inet6.length = 0;
}

/** A link is up, or has a carrier now: it makes its own address, and those it has are tried. */
export function startInet6(world: World, link: Link): void {
  if (!hasCarrier(link) || link.rules.immutable) return;
  const list = link.addresses.inet6;
  const own = linkLocalOf(link);
  if (own !== null && !list.some(({ scope }) => scope === SCOPE.link)) insert(list, own);
  for (const held of list) startDetection(world, link, held);
}

/**
 * addrconf_dad_start(): an address is doubted for one to two seconds (RFC 4862, 5.4), and not at all where
 * there is nobody to ask. Without a carrier it waits.
 */
function startDetection(world: World, link: Link, held: HeldAddress): void {
  if ((held.flags & IFA_F_TENTATIVE) === 0 || !hasCarrier(link)) return;
  if (link.rules.noArp) {
    held.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
    return;
  }
  later(world, 1000 + world.random() * 1000, () => {
    if (!link.addresses.inet6.includes(held) || !hasCarrier(link)) return;
    if (link.foreign.has(held.local)) held.flags |= IFA_F_DADFAILED;
    else held.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
  });
}

/** ipv6_link_dev_addr(): the wider scope first, and of one scope the newer. */
function insert(list: HeldAddress[], held: HeldAddress): void {
  const rank = ({ scope }: HeldAddress) => scope;
  const before = list.findIndex((other) => rank(other) >= rank(held));
  list.splice(before < 0 ? list.length : before, 0, held);
}

/** addrconf_addr_gen(): made of the MAC (RFC 4291, appendix A). */
function linkLocalOf(link: Link): HeldAddress | null {
  const mac = link.mac === null ? [] : Array.from(macBytes(link.mac));
  if (mac.length !== 6 || link.mtu < IPV6_MIN_MTU) return null;
  const [first = 0, ...rest] = mac;
  const interfaceId = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return {
    local: formatIp(Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...interfaceId])),
    peer: null,
    prefixLength: 64,
    broadcast: null,
    label: null,
    scope: SCOPE.link,
    flags: IFA_F_PERMANENT | IFA_F_TENTATIVE,
    metric: null,
    protocol: KERNEL_LL,
    preferredUntil: null,
    validUntil: null,
  };
}

/** rt_scope(): the scope of an IPv6 address follows from itself. */
function scopeOf(local: string): number {
  const [first = 0, second = 0] = parseIp(local) ?? [];
  if (local === "::1") return SCOPE.host;
  if (first !== 0xfe) return 0;
  return (second & 0xc0) === 0x80 ? SCOPE.link : (second & 0xc0) === 0xc0 ? SCOPE.site : 0;
}
