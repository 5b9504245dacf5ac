import { literally } from "./glob.ts";
import { NO_SYSCTLS, type Sysctls } from "./sysctls.ts";

/** An address that the config gives in place of what the device has. */
export interface GivenAddress {
  readonly family: "inet" | "inet6";
  /** Canonical text. */
  readonly local: string;
  readonly prefixLength: number;
}

/** A route that the config gives for inside. */
export interface GivenRoute {
  readonly family: "inet" | "inet6";
  /** Canonical text; the unspecified address and 0 bits: everywhere. */
  readonly to: string;
  readonly prefixLength: number;
  readonly via: string | null;
  readonly metric: number | null;
  readonly table: number | null;
  readonly source: string | null;
  readonly onlink: boolean;
}

/** How a device is picked. Every condition given must hold; strings are globs over the whole string. */
export interface Selector {
  readonly name: string | null;
  readonly altname: string | null;
  /** Canonical `aa:bb:cc:dd:ee:ff`; compared exactly. */
  readonly mac: string | null;
  readonly permanentMac: string | null;
  /** Canonical; compared exactly. */
  readonly pci: string | null;
  readonly driver: string | null;
  readonly kind: string | null;
  /** A VF of this PF: its canonical PCI address, or a glob over the names and altnames of its devices. */
  readonly pf: string | null;
}

/** No condition: to be spread under those that there are. */
export const ANY_DEVICE: Selector = {
  name: null,
  altname: null,
  mac: null,
  permanentMac: null,
  pci: null,
  driver: null,
  kind: null,
  pf: null,
};

/**
 * `keep`: an address proven on the host is not doubted inside; `wait`: the verdict waits until no address
 * is tentative; `skip`: no duplicate address detection at all (RFC 4862, IFA_F_NODAD).
 */
export type DadPolicy = "keep" | "wait" | "skip";

/** One device that a mapping wants, and what it shall be inside. null: as it is on the host. */
export interface DeviceRequest {
  readonly match: Selector;
  /** The first N in natural order of name that are free, or all of them. */
  readonly count: number | "all";
  /** The name inside; may hold one `%d`: the first free number. */
  readonly name: string | null;
  readonly addresses: readonly GivenAddress[] | null;
  /** "preserve": those that the device has on the host. */
  readonly routes: readonly GivenRoute[] | "preserve";
  /** Those that differ from what the container's namespace gives to any device. */
  readonly sysctls: Sysctls;
  /** Bytes. */
  readonly mtu: number | null;
  readonly mac: string | null;
  readonly dad: DadPolicy;
  readonly up: boolean;
  /** Lifts the guards on default-route devices and on devices that others are built on. */
  readonly force: boolean;
  /**
   * The device's name on the host, where a bundle asks for it and no mapping: it is needed, not waited for, and comes
   * home, whatever the mapping says that it stands in.
   */
  readonly netDevice?: string;
}

/** The one device of this name, and nothing about it: to be spread under what there is. */
export function requestFor(name: string): DeviceRequest {
  return {
    match: { ...ANY_DEVICE, name: literally(name) },
    count: 1,
    name: null,
    addresses: null,
    routes: [],
    sysctls: NO_SYSCTLS,
    mtu: null,
    mac: null,
    dad: "keep",
    up: true,
    force: false,
  };
}

/** Which containers a mapping is for. Every condition given must hold; at least one is given. Globs. */
export interface ContainerCondition {
  readonly id: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly bundle: string | null;
}

/** One declarative table of the config: which containers, which devices, what they shall be inside. */
export interface Mapping {
  readonly name: string;
  readonly container: ContainerCondition;
  readonly devices: readonly DeviceRequest[];
  /** false: a device that is not to be had is a warning, and the rest goes on. */
  readonly required: boolean;
  /** How long after its event a container may wait for devices that are not there yet, milliseconds. */
  readonly wait: number;
  /** "leave": the devices stay where the container left them, as the OCI spec bids a runtime to do. */
  readonly onExit: "return" | "leave";
}
