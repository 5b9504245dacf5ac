/** What the kernel lets be done with a device; depends on its driver. */
export interface LinkRules {
  readonly minMtu: number;
  readonly maxMtu: number;
  /** Bytes that the lower device's MTU has to leave for what is put around a packet. */
  readonly overhead: number;
  /** Whether another MAC is taken: never (no ndo_set_mac_address), while it is down, or always. */
  readonly mac: "never" | "while down" | "always";
  /** Whether another name is taken: while it is down (before Linux 6.2), or always. */
  readonly name: "while down" | "always";
  /** IFF_NOARP: there is nobody to ask whether an address is a duplicate. */
  readonly noArp: boolean;
  /** IFLA_NETNS_IMMUTABLE. */
  readonly immutable: boolean;
  /** Whether the operational state is not told ("unknown") while it is up. */
  readonly operstateUnknown: boolean;
}

const ETHERNET: LinkRules = {
  minMtu: 68,
  maxMtu: 65535,
  overhead: 0,
  mac: "always",
  name: "always",
  noArp: false,
  immutable: false,
  operstateUnknown: false,
};

const LOOPBACK: LinkRules = {
  ...ETHERNET,
  minMtu: 0,
  maxMtu: 0,
  noArp: true,
  immutable: true,
  operstateUnknown: true,
};

const RULES: Readonly<Record<string, Partial<LinkRules>>> = {
  ifb: { maxMtu: 0, minMtu: 0, mac: "never", noArp: true, operstateUnknown: true },
  tun: { maxMtu: 65521 },
  vxlan: { overhead: 50 },
  bridge: { immutable: true },
  bond: { immutable: true },
  team: { immutable: true },
  vrf: { immutable: true },
};

/** ARPHRD_LOOPBACK (linux/if_arp.h). */
const ARPHRD_LOOPBACK = 772;

/** The flags that a driver begins with: IFF_MULTICAST, or IFF_NOARP. */
export function flagsOf(kind: string | null, type: number): number {
  if (type === ARPHRD_LOOPBACK) return 0;
  return rulesOf(kind, type).noArp ? 0x80 : 0x1000;
}

/** The rules of a kind; of hardware where it is null. */
export function rulesOf(kind: string | null, type: number): LinkRules {
  if (type === ARPHRD_LOOPBACK) return LOOPBACK;
  return { ...ETHERNET, ...(kind === null ? {} : RULES[kind]) };
}
