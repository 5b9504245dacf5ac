/** A range of VLANs of a bridge port, from `first` to `last`. */
export interface PortVlan {
  readonly first: number;
  readonly last: number;
  /** Untagged packets that come in are of this one. */
  readonly pvid: boolean;
  /** Goes out without its tag. */
  readonly untagged: boolean;
}

/** What a device is as the port of a master, beside which one that is (`Device.master`). */
export interface Port {
  /** IFLA_BRPORT_* by number: those that can be set. */
  readonly settings: Readonly<Record<string, number>>;
  readonly vlans: readonly PortVlan[];
}
