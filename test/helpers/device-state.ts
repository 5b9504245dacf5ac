import * as v from "valibot";

/** What `ip -json -details addr` tells of one address. */
const ipAddress = v.looseObject({
  family: v.picklist(["inet", "inet6"]),
  local: v.string(),
  address: v.optional(v.string()),
  prefixlen: v.number(),
  scope: v.string(),
  broadcast: v.optional(v.string()),
  label: v.optional(v.string()),
  valid_life_time: v.number(),
  preferred_life_time: v.number(),
});

/** What `ip -json -details addr` tells of one device. */
export const ipDevice = v.looseObject({
  ifindex: v.number(),
  ifname: v.string(),
  flags: v.array(v.string()),
  mtu: v.number(),
  txqlen: v.optional(v.number()),
  address: v.optional(v.string()),
  ifalias: v.optional(v.string()),
  altnames: v.optional(v.array(v.string())),
  operstate: v.string(),
  addr_info: v.array(ipAddress),
});

/**
 * A device as it shall be again when it is home: all that ip(8) tells of it but what changes by itself.
 *
 * Two of them are equal exactly if the device is the same to its user.
 */
export interface DeviceState {
  readonly name: string;
  readonly ifindex: number;
  readonly up: boolean;
  readonly mtu: number;
  /** null where the device has no link-layer address (tun). */
  readonly mac: string | null;
  readonly txqueuelen: number | null;
  readonly alias: string | null;
  /** Sorted: their order means nothing. */
  readonly altnames: readonly string[];
  /** In the kernel's order, each as {@link addressLine} has it, without IPv6 link-local ones. */
  readonly addresses: readonly string[];
  /** All the rest, as ip(8) calls it. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Flags of a link that follow the carrier. */
const CARRIER_FLAGS = new Set(["LOWER_UP", "NO-CARRIER", "DORMANT"]);
const FOREVER = 0xffffffff;

/** {@link DeviceState} of one row of `ip -json -details addr`. */
export function deviceState(row: v.InferOutput<typeof ipDevice>): DeviceState {
  const {
    ifname,
    ifindex,
    flags,
    mtu,
    txqlen,
    address,
    ifalias,
    altnames,
    addr_info,
    operstate: _,
    ...rest
  } = row;
  return {
    name: ifname,
    ifindex,
    up: flags.includes("UP"),
    mtu,
    mac: address ?? null,
    txqueuelen: txqlen ?? null,
    alias: ifalias ?? null,
    altnames: (altnames ?? []).toSorted(),
    // The kernel makes fe80::/64 by itself at each link-up, and a fresh one is doubted for a second or two.
    addresses: addr_info
      .filter((one) => one.family === "inet" || one.scope !== "link")
      .map((one) => addressLine(one, ifname)),
    rest: { ...withoutTimers(rest), flags: flags.filter((flag) => !CARRIER_FLAGS.has(flag)) },
  };
}

/** A bridge and its ports count time in members of their own (`gc_timer`, `forward_delay_timer`). */
function withoutTimers(rest: Record<string, unknown>): Record<string, unknown> {
  const still = JSON.stringify(rest, (key, value) => (key.endsWith("_timer") ? undefined : value));
  return v.parse(v.record(v.string(), v.unknown()), JSON.parse(still));
}

/**
 * An address in one line, near to how ip(8) prints it: `192.0.2.1/24 brd 192.0.2.255 label d0:web`.
 *
 * Left out is what goes without saying: global scope, a label that is the device's name, endless lifetimes;
 * lifetimes that run are told as `dynamic` alone.
 */
function addressLine(row: v.InferOutput<typeof ipAddress>, device: string): string {
  const { family: _, local, address, prefixlen, scope, broadcast, label, ...others } = row;
  const { valid_life_time, preferred_life_time, ...flags } = others;
  const words = [address === undefined ? `${local}/${prefixlen}` : `${local} peer ${address}/${prefixlen}`];
  if (broadcast !== undefined) words.push(`brd ${broadcast}`);
  if (scope !== "global") words.push(`scope ${scope}`);
  if (label !== undefined && label !== device) words.push(`label ${label}`);
  for (const [key, value] of Object.entries(flags).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    words.push(value === true ? key : `${key} ${value}`);
  }
  const runs = valid_life_time !== FOREVER || (preferred_life_time !== FOREVER && preferred_life_time !== 0);
  if (runs && !words.includes("dynamic")) words.push("dynamic");
  return words.join(" ");
}
