import type { Address } from "./address.ts";
import type { Device } from "./device.ts";
import type { Neighbour } from "./neighbour.ts";
import type { NexthopObject } from "./nexthop-object.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { Port } from "./port.ts";
import type { Qdisc } from "./qdisc.ts";
import type { Route } from "./route.ts";
import type { Sysctls } from "./sysctls.ts";

/**
 * One device with everything that hangs on it, as found in one namespace at one moment.
 *
 * It is journalled before anything is touched, and it is what the device is put back to. It will grow
 * (routes, neighbours, sysctls, bridge port settings): every member added here is one more thing that
 * {@link plan} can give back, and nothing else has to change its shape.
 */
export interface Snapshot {
  readonly device: Device;
  readonly addresses: readonly Address[];
  /** Those that leave by it, in all tables; on record are those that the kernel does not make by itself. */
  readonly routes: readonly Route[];
  /** How many of routing daemons it has beside `routes`, which are theirs to set again; left out: none. */
  readonly daemonRoutes?: number;
  /** Those that leave by it, which are somebody's to make again; left out: none. */
  readonly nexthops?: readonly NexthopObject[];
  /** Those that name it and hold for it, which are nobody's but theirs who made them; left out: none. */
  readonly rules?: readonly PolicyRule[];
  /** Link-layer multicast addresses that somebody made to stay, and has to make again; left out: none. */
  readonly multicasts?: readonly string[];
  /** The IPv6 interface identifier that it was given, as `::7`; left out: none. */
  readonly token?: string;
  /** What it is as the port of a bridge, bond or team; null where it is none. */
  readonly port: Port | null;
  /** Neighbours, proxies and entries of forwarding databases that somebody made to stay. */
  readonly neighbours: readonly Neighbour[];
  /** At its root; null where it is the kernel's choice. */
  readonly qdisc: Qdisc | null;
  /** The kind of the qdisc of its ingress, whose filters are somebody's to make again; null: none. */
  readonly ingress: string | null;
  /** What is known of the device's settings below /proc/sys/net; where it is wanted, what they shall be. */
  readonly sysctls: Sysctls;
  /** CLOCK_BOOTTIME, milliseconds: address lifetimes are counted from here. */
  readonly takenAt: number;
}
