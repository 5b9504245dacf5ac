import type { Address } from "../../../src/domain/address.ts";
import type { Device } from "../../../src/domain/device.ts";
import { ANY_DEVICE, type DeviceRequest, type Mapping, type Selector } from "../../../src/domain/mapping.ts";
import type { Route } from "../../../src/domain/route.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";

/** A plain Ethernet device of the host, up, with `members` in place of what it has. */
export function deviceOf(members: Partial<Device> = {}): Device {
  return {
    ifindex: 7,
    name: "ens4",
    altnames: [],
    alias: null,
    kind: null,
    type: 1,
    mac: "02:00:00:00:00:07",
    permanentMac: null,
    mtu: 1500,
    txqueuelen: 1000,
    group: 0,
    flags: 0x1000,
    up: true,
    operstate: "up",
    link: null,
    linkNetnsid: null,
    master: null,
    slaveKind: null,
    underlay: null,
    remote: null,
    parentBus: null,
    parentDev: null,
    netnsImmutable: null,
    ...members,
  };
}

/** `192.0.2.1/24` or `2001:db8::1/64` as an address that was added by hand and stays. */
export function addressOf(text: string, members: Partial<Address> = {}): Address {
  const [local = "", prefixLength] = text.split("/");
  return {
    family: local.includes(":") ? "inet6" : "inet",
    local,
    peer: null,
    prefixLength: Number(prefixLength),
    broadcast: null,
    label: null,
    scope: 0,
    flags: 0x80,
    metric: null,
    protocol: null,
    preferredLifetime: null,
    validLifetime: null,
    ...members,
  };
}

/** A route as somebody adds it by hand; `via` and `onlink` are of its only nexthop. */
export function routeOf(
  to: string,
  { via, onlink = false, ...members }: Partial<Route> & { via?: string; onlink?: boolean } = {},
): Route {
  const [network = "", prefixLength] = to.split("/");
  return {
    family: network.includes(":") ? "inet6" : "inet",
    to: network,
    prefixLength: Number(prefixLength),
    from: null,
    fromLength: 0,
    table: 254,
    type: 1,
    scope: 0,
    protocol: 3,
    tos: 0,
    metric: null,
    source: null,
    realm: null,
    nexthops: [{ device: null, gateway: via ?? null, onlink, weight: 1 }],
    metrics: {},
    preference: null,
    lifetime: null,
    nexthopId: null,
    encapsulated: false,
    ...members,
  };
}

/** A device with `addresses` on it, found at the beginning of time. */
export function snapshotOf(device: Device, ...addresses: readonly Address[]): Snapshot {
  return {
    device,
    addresses,
    routes: [],
    port: null,
    neighbours: [],
    qdisc: null,
    ingress: null,
    sysctls: {},
    takenAt: 0,
  };
}

/** A selector of these conditions alone. */
export function selectorOf(conditions: Partial<Selector>): Selector {
  return { ...ANY_DEVICE, ...conditions };
}

/** What `[[mapping.device]]` asks for that gives nothing but `match = { name = "ens4" }`. */
export function requestOf(members: Partial<DeviceRequest> = {}): DeviceRequest {
  return {
    match: selectorOf({ name: "ens4" }),
    count: 1,
    name: null,
    addresses: null,
    routes: [],
    sysctls: {},
    mtu: null,
    mac: null,
    dad: "keep",
    up: true,
    force: false,
    ...members,
  };
}

/** A mapping for every container. */
export function mappingOf(members: Partial<Mapping> = {}): Mapping {
  return {
    name: "any",
    container: { id: "*", annotations: {}, bundle: null },
    devices: [requestOf()],
    required: true,
    wait: 0,
    onExit: "return",
    ...members,
  };
}
