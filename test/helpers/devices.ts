/** The kinds of device that can change their namespace and that any kernel with containers can make. */
export const KINDS = ["veth", "tap", "tun", "ifb", "macvlan", "macvtap", "vxlan"] as const;

export type Kind = (typeof KINDS)[number];

/** Commands of ip(8) that make a device, and beside it (`NAME-low`, `NAME-far`) what its kind needs. */
export function makeDevice(kind: Kind, name: string): string[] {
  switch (kind) {
    case "veth":
      return [`link add ${name} type veth peer name ${name}-far`, `link set ${name}-far up`];
    case "tap":
    case "tun":
      return [`tuntap add mode ${kind} name ${name}`];
    case "ifb":
      return [`link add ${name} type ifb`];
    case "macvlan":
    case "macvtap":
      return [...lowerOf(name), `link add ${name} link ${name}-low type ${kind} mode bridge`];
    case "vxlan":
      return [
        ...lowerOf(name),
        `link add ${name} type vxlan id 42 remote 192.0.2.99 dev ${name}-low dstport 4789`,
      ];
  }
}

function lowerOf(name: string): string[] {
  return [
    `link add ${name}-low type veth peer name ${name}-far`,
    `link set ${name}-far up`,
    `link set ${name}-low up`,
  ];
}

/** Commands that give a device all that netdevd promises to bring home, and bring it up. */
export function furnish(name: string): string[] {
  return [
    `link set ${name} mtu 1400 txqueuelen 77`,
    `link set ${name} alias "what ${name} is for"`,
    `link property add dev ${name} altname ${name}-second altname ${name}-with-a-long-name`,
    `link set ${name} up`,
    `addr add 192.0.2.1/24 brd + dev ${name} label ${name}:web`,
    `addr add 192.0.2.2/24 dev ${name}`,
    `addr add 198.51.100.1 peer 198.51.100.2/32 dev ${name} noprefixroute`,
    `addr add 203.0.113.1/24 dev ${name} metric 77`,
    `addr add 2001:db8:1::1/64 dev ${name} nodad`,
    ...provenAddress("2001:db8:2::1/64", name),
    ...provenAddress("2001:db8:3::1 peer 2001:db8:3::2/128", name, "noprefixroute"),
  ];
}

/** What {@link furnish} gives, as a container sees it under `name`; in the kernel's order. */
export function furnishedAddresses(name: string): string[] {
  return [
    `192.0.2.1/24 brd 192.0.2.255 label ${name}:web`,
    "198.51.100.1 peer 198.51.100.2/32 noprefixroute",
    "203.0.113.1/24 metric 77",
    "192.0.2.2/24 secondary",
    "2001:db8:3::1 peer 2001:db8:3::2/128 noprefixroute",
    "2001:db8:2::1/64",
    "2001:db8:1::1/64 nodad",
  ];
}

/**
 * Commands that add an IPv6 address as if duplicate address detection had proven it, without its two seconds:
 * added with IFA_F_NODAD it is usable at once, and replacing it without that flag starts no new detection.
 */
export function provenAddress(address: string, device: string, flags = ""): string[] {
  return [
    `addr add ${address} dev ${device} nodad ${flags}`,
    `addr replace ${address} dev ${device} ${flags}`,
  ];
}
