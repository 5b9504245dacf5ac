import {
  type Address,
  IFA_F_PERMANENT,
  IFA_F_TEMPORARY,
  IFA_F_TENTATIVE,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from "./address.ts";
import type { DeviceRequest, GivenAddress, GivenRoute } from "./mapping.ts";
import { isProven } from "./restorable.ts";
import { type Route, RT_TABLE_MAIN, RTN_UNICAST, RTPROT_STATIC } from "./route.ts";
import { whyNotRestorable } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";

/** IFA_LABEL has IFNAMSIZ bytes, its NUL included (linux/if_addr.h). */
const LABEL_BYTES = 15;

/**
 * What a device shall be inside: as it is on the host, save for what the request gives.
 *
 * Addresses that have to be doubted (IFA_F_TENTATIVE) are those on which duplicate address detection is to
 * run; see {@link DadPolicy}.
 */
export function insideOf(request: DeviceRequest, snapshot: Snapshot, name: string): Snapshot {
  const { device } = snapshot;
  const addresses =
    request.addresses === null
      ? snapshot.addresses.filter(isCarried).map((address) => relabelled(address, device.name, name))
      : request.addresses.map((given) => givenAddress(given, snapshot, name));
  return {
    device: {
      ...device,
      name,
      altnames: device.altnames.filter((altname) => altname !== name),
      mtu: request.mtu ?? device.mtu,
      // What a bond lends to its ports stays its own: on one wire no two are to have it.
      mac: request.mac ?? snapshot.port?.mac ?? device.mac,
      up: request.up,
      master: null,
      slaveKind: null,
    },
    addresses: addresses.map((address) => doubted(address, request)),
    routes: routesInside(request, snapshot),
    port: null,
    neighbours: [],
    qdisc: null,
    ingress: null,
    sysctls: request.sysctls,
    takenAt: snapshot.takenAt,
  };
}

/** The OCI runtime-spec, "Network Devices": IFA_F_PERMANENT and scope universe, of any family. */
function isCarried(address: Address): boolean {
  if (address.scope !== RT_SCOPE_UNIVERSE || (address.flags & IFA_F_PERMANENT) === 0) return false;
  // IFA_F_TEMPORARY is IFA_F_SECONDARY of IPv4, which says nothing against an address.
  return address.family === "inet" || (address.flags & IFA_F_TEMPORARY) === 0;
}

/** The kernel takes labels that begin with the device's name as belonging to it: `eth0`, `eth0:web`. */
export function relabelled(address: Address, from: string, to: string): Address {
  const { label } = address;
  if (label === null || !(label === from || label.startsWith(`${from}:`))) return address;
  const renamed = to + label.slice(from.length);
  const fits = new TextEncoder().encode(renamed).length <= LABEL_BYTES;
  return { ...address, label: fits ? renamed : to };
}

/** An address of the config; one that the device has on the host already is as proven as it is there. */
function givenAddress(given: GivenAddress, snapshot: Snapshot, name: string): Address {
  const known = snapshot.addresses.find(
    (address) => address.local === given.local && address.family === given.family,
  );
  const proven = given.family === "inet" || (known !== undefined && isProven(known));
  return {
    ...given,
    peer: null,
    broadcast: null,
    // What the kernel sets where an IPv4 address is added without a label.
    label: given.family === "inet" ? name : null,
    scope: RT_SCOPE_UNIVERSE,
    flags: proven ? 0 : IFA_F_TENTATIVE,
    metric: null,
    protocol: null,
    preferredLifetime: null,
    validLifetime: null,
  };
}

function routesInside({ routes }: DeviceRequest, snapshot: Snapshot): Route[] {
  return routes === "preserve" ? snapshot.routes.filter(canGoAlong) : routes.map(givenRoute);
}

/** Whether a route leads somewhere inside as well: by no device that stays behind. */
export function canGoAlong(route: Route): boolean {
  return whyNotRestorable(route) === null && route.nexthops.every(({ device }) => device === null);
}

/** A route of the config, as the kernel will tell it. */
function givenRoute(given: GivenRoute): Route {
  const { via, metric, table, onlink, ...rest } = given;
  const isInet = given.family === "inet";
  return {
    ...rest,
    from: null,
    fromLength: 0,
    table: table ?? RT_TABLE_MAIN,
    type: RTN_UNICAST,
    scope: isInet && via === null ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    protocol: RTPROT_STATIC,
    tos: 0,
    // IP6_RT_PRIO_USER (net/ip6_route.h): what the kernel gives to an IPv6 route without one.
    metric: metric ?? (isInet ? null : 1024),
    realm: null,
    nexthops: [{ device: null, gateway: via, onlink, weight: 1 }],
    metrics: {},
    preference: null,
    lifetime: null,
    nexthopId: null,
    encapsulated: false,
  };
}

function doubted(address: Address, request: DeviceRequest): Address {
  if (address.family === "inet" || request.dad === "keep") return address;
  const flags = request.dad === "wait" ? address.flags | IFA_F_TENTATIVE : address.flags & ~IFA_F_TENTATIVE;
  return { ...address, flags };
}
