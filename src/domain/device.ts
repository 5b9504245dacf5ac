/** IFF_* (linux/if.h) that are somebody's choice beside IFF_UP: NOARP, PROMISC, ALLMULTI, MULTICAST. */
export const USER_FLAGS = 0x80 | 0x100 | 0x200 | 0x1000;

/**
 * What the kernel says of one net_device: the facts netdevd plans with, in plain values.
 *
 * Inside one namespace a device is an ifindex; its name is a label. MAC addresses are lower-case
 * `aa:bb:cc:dd:ee:ff` text, so that a Device can be journalled and compared as it stands.
 */
export interface Device {
  readonly ifindex: number;
  /** IFLA_IFNAME. */
  readonly name: string;
  /** IFLA_PROP_LIST / IFLA_ALT_IFNAME, in the kernel's order. */
  readonly altnames: readonly string[];
  /** IFLA_IFALIAS; null where none is set. */
  readonly alias: string | null;
  /** IFLA_INFO_KIND ("veth", "macvlan", …); null for devices without rtnl_link_ops: hardware and lo. */
  readonly kind: string | null;
  /** ifi_type: ARPHRD_ETHER (1), ARPHRD_LOOPBACK (772), … */
  readonly type: number;
  /** IFLA_ADDRESS; null where the device has no link-layer address. */
  readonly mac: string | null;
  /** IFLA_PERM_ADDRESS; null where the driver tells none. */
  readonly permanentMac: string | null;
  /** IFLA_MTU, bytes. */
  readonly mtu: number;
  /** IFLA_TXQLEN, packets. */
  readonly txqueuelen: number;
  /** IFLA_GROUP. */
  readonly group: number;
  /** ifi_flags & {@link USER_FLAGS}; null in journals of before. */
  readonly flags: number | null;
  /** ifi_flags & IFF_UP. */
  readonly up: boolean;
  /** IFLA_OPERSTATE as RFC 2863 has it: "up", "down", "unknown", "lowerlayerdown", … */
  readonly operstate: string;
  /** IFLA_LINK: the device this one is built on, or a veth's peer; null where there is none. */
  readonly link: number | null;
  /** IFLA_LINK_NETNSID: set where `link` is an ifindex of another namespace. */
  readonly linkNetnsid: number | null;
  /** IFLA_MASTER: the bridge, bond, team or VRF it is a port of. */
  readonly master: number | null;
  /** IFLA_INFO_SLAVE_KIND: what kind of master that is. */
  readonly slaveKind: string | null;
  /** The device that a tunnel is bound to, and sends by (IFLA_VXLAN_LINK, IFLA_GRE_LINK, …). */
  readonly underlay: number | null;
  /** Where a tunnel sends to that is bound to no device: by whatever the route there leaves. */
  readonly remote: Remote | null;
  /** IFLA_PARENT_DEV_BUS_NAME: "pci", "virtio", … */
  readonly parentBus: string | null;
  /** IFLA_PARENT_DEV_NAME: "0000:00:03.0", "virtio0", … */
  readonly parentDev: string | null;
  /** IFLA_NETNS_IMMUTABLE; null on kernels that do not tell (before 6.14 or so). */
  readonly netnsImmutable: boolean | null;
  /** Left out where nobody has asked for it: it is told by no rtnetlink message. */
  readonly hardware?: Hardware;
}

/** What the driver and the bus tell of a device. */
export interface Hardware {
  /** The PCI device that it is, or that a virtio device is part of; canonical. */
  readonly pci: string | null;
  /** As `ethtool -i` tells it (ETHTOOL_GDRVINFO). */
  readonly driver: string | null;
  /** The physical function that this is a virtual one of. */
  readonly pf: PhysicalFunction | null;
}

/** A PF of SR-IOV, and what its devices at home are called: names and altnames. */
export interface PhysicalFunction {
  readonly pci: string;
  readonly names: readonly string[];
}

/** The other end of a tunnel, and what else its route is chosen by. */
export interface Remote {
  /** Canonical text. */
  readonly address: string;
  /** The own address that it sends from; null: that of the route. */
  readonly source: string | null;
  /** The mark of its packets (`ip rule … fwmark`); 0: none. */
  readonly mark: number;
}

/** What stays true of a device wherever it goes and whatever it is called there. */
export interface Identity {
  readonly kind: string | null;
  readonly type: number;
  readonly permanentMac: string | null;
  readonly parentBus: string | null;
  readonly parentDev: string | null;
  /** For what has neither of the former: what it had when it was last seen, or was to be given then. */
  readonly macs: readonly (string | null)[];
}

/**
 * The lasting identity of a device; see {@link Identity}.
 *
 * @param given a MAC that the device is to be given, if any: after a failure it may have either
 */
export function identityOf(device: Device, given: string | null): Identity {
  return {
    kind: device.kind,
    type: device.type,
    permanentMac: device.permanentMac,
    parentBus: device.parentBus,
    parentDev: device.parentDev,
    macs: given === null ? [device.mac] : [device.mac, given],
  };
}

/**
 * Whether it is known wherever it turns up: by its place on a bus or the MAC burnt into it. A tunnel's permanent
 * MAC is the address that it sends from, which any number of tunnels may have (ipgre_tunnel_init()).
 */
export function isHardware({ kind, permanentMac, parentDev }: Identity): boolean {
  return parentDev !== null || (kind === null && permanentMac !== null);
}

/**
 * Whether `device` can be the one that `identity` describes.
 *
 * Kind, place and permanent MAC never change, so one that differs is proof of another device. The current MAC
 * may be changed by whoever holds the device: it counts only where `macIsProof` says that nobody had the
 * chance, and of hardware not even then.
 */
export function mayBe(identity: Identity, device: Device, macIsProof: boolean): boolean {
  if (device.kind !== identity.kind || device.type !== identity.type) return false;
  if (!isSamePiece(identity, device)) return false;
  return !macIsProof || isHardware(identity) || identity.macs.includes(device.mac);
}

function isSamePiece(identity: Identity, device: Device): boolean {
  const { permanentMac, parentBus, parentDev } = identity;
  const samePlace = device.parentBus === parentBus && device.parentDev === parentDev;
  if (device.permanentMac === permanentMac) {
    // virtio3 is no place but the order in which drivers came: another one after it was unplugged.
    const numbered = parentBus === "virtio" && device.parentBus === "virtio";
    return samePlace || (numbered && permanentMac !== null);
  }
  // A VF's is made up each time that its driver comes to it, and its place stays.
  return samePlace && parentBus === "pci" && isMadeUp(permanentMac) && isMadeUp(device.permanentMac);
}

/** Whether a MAC is one that nobody was allotted (IEEE 802, the U/L bit). */
function isMadeUp(mac: string | null): boolean {
  return mac !== null && (Number.parseInt(mac.slice(0, 2), 16) & 2) !== 0;
}
