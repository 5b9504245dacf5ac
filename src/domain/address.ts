/**
 * One IPv4 or IPv6 address of a device, with all that RTM_NEWADDR can say of it.
 *
 * Addresses are canonical text (RFC 5952 for IPv6), so that two Addresses are the same if their members are.
 */
export interface Address {
  readonly family: "inet" | "inet6";
  /** IFA_LOCAL: the device's own end (for IPv6 without a peer the kernel tells it in IFA_ADDRESS). */
  readonly local: string;
  /** IFA_ADDRESS where it differs from `local`: the other end of a point-to-point link. */
  readonly peer: string | null;
  /** ifa_prefixlen, bits; belongs to `peer` where there is one. */
  readonly prefixLength: number;
  /** IFA_BROADCAST. */
  readonly broadcast: string | null;
  /** IFA_LABEL; IPv4 alone has one. */
  readonly label: string | null;
  /** ifa_scope: 0 universe ("global"), 200 site, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_FLAGS, all 32 bits as the kernel told them. */
  readonly flags: number;
  /** IFA_RT_PRIORITY: metric of the prefix route. */
  readonly metric: number | null;
  /** IFA_PROTO: who added it (since Linux 5.18). */
  readonly protocol: number | null;
  /** IFA_CACHEINFO preferred lifetime, seconds; null: for ever. */
  readonly preferredLifetime: number | null;
  /** IFA_CACHEINFO valid lifetime, seconds; null: for ever. */
  readonly validLifetime: number | null;
}

/** IFA_F_* (linux/if_addr.h): the flags that plans reason about. */
export const IFA_F_TEMPORARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;
/** IFA_F_SECONDARY has the number of IFA_F_TEMPORARY: IPv4 uses it so, IPv6 the other way. */
export const IFA_F_SECONDARY = 0x01;

/** RT_SCOPE_* (linux/rtnetlink.h). */
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;

/** `192.168.0.1/24`, or `10.0.0.1 peer 10.0.0.2/32`: as `ip addr` writes it. */
export function addressText(address: Address): string {
  const peer = address.peer === null ? "" : ` peer ${address.peer}`;
  return `${address.local}${peer}/${address.prefixLength}`;
}

/** Whether the kernel would take two addresses of one device for the same: whether they have one {@link addressKey}. */
export function isSameKey(a: Address, b: Address): boolean {
  if (a.local !== b.local || a.family !== b.family) return false;
  return a.family === "inet6" || (a.prefixLength === b.prefixLength && (a.peer ?? "") === (b.peer ?? ""));
}

/** The key by which the kernel tells addresses of one device apart. */
export function addressKey(address: Address): string {
  return address.family === "inet6"
    ? `inet6 ${address.local}`
    : `inet ${address.local} ${address.peer ?? ""}/${address.prefixLength}`;
}
