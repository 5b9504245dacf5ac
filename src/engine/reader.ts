import type { Device } from "../domain/device.ts";
import { isMadeToStay, type Neighbour } from "../domain/neighbour.ts";
import type { NexthopObject } from "../domain/nexthop-object.ts";
import type { Qdisc } from "../domain/qdisc.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { NO_SYSCTLS, type Sysctls } from "../domain/sysctls.ts";
import { decodeAddress, getAddresses } from "../netlink/address.ts";
import type { Connection, Request } from "../netlink/connection.ts";
import { decodeSysctls, decodeToken } from "../netlink/devconf.ts";
import { decodeLink, getLink, getLinkByName, getLinks } from "../netlink/link.ts";
import { decodeNeighbour, getNeighbours } from "../netlink/neighbour.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { decodeNexthop, getNexthops } from "../netlink/nexthop-object.ts";
import { decodeQdisc, getQdisc } from "../netlink/qdisc.ts";
import type { Aspects } from "./aspects.ts";
import { type MulticastCache, multicastCache } from "./multicasts-reader.ts";
import { readPort } from "./port-reader.ts";
import { type RouteCache, readRoutes, routeCache } from "./routes-reader.ts";
import { type RuleCache, readRules, ruleCache } from "./rules-reader.ts";
import { type SysctlFiles, withFiles } from "./sysctls.ts";
import { unlessGone } from "./unless-gone.ts";

/** One namespace, as it is read. */
export interface Ground {
  readonly connection: Connection;
  readonly files: SysctlFiles;
  /** What has been asked of routes already. */
  readonly routes?: RouteCache;
  /** What has been asked of policy rules already. */
  readonly rules?: RuleCache;
  /** What has been asked of multicast addresses already. */
  readonly multicasts?: MulticastCache;
}

/** The device with this ifindex, or null. */
export function readDevice(connection: Connection, ifindex: number): Device | null {
  const payload = onePayload(connection, getLink(ifindex));
  return payload === null ? null : decodeLink(payload);
}

/** The device with this name or altname, or null. */
export function readDeviceByName(connection: Connection, name: string): Device | null {
  const payload = onePayload(connection, getLinkByName(name));
  return payload === null ? null : decodeLink(payload);
}

/** All devices of a namespace: for a container's, which has few. */
export function readDevices(connection: Connection): Device[] {
  return connection.dump(getLinks()).map((message) => decodeLink(message.payload));
}

const NO_ROUTES = { routes: [], daemonRoutes: 0 } as const;

/** A device with what hangs on it, or null where there is none with this ifindex. */
export function readSnapshot(
  {
    connection,
    files,
    routes: asked = routeCache(connection),
    rules: allRules = ruleCache(connection),
    multicasts: allMulticasts = multicastCache(files),
  }: Ground,
  ifindex: number,
  takenAt: number,
  aspects: Aspects,
): Snapshot | null {
  const payload = onePayload(connection, getLink(ifindex, aspects.token));
  if (payload === null) return null;
  const device = decodeLink(payload);
  const settings = aspects.sysctls === "all" ? null : aspects.sysctls;
  const sysctls =
    settings?.length === 0 ? NO_SYSCTLS : withFiles(files, device.name, decodeSysctls(payload), settings);
  const told = unlessGone(() => connection.dump(getAddresses(ifindex)));
  if (told === null) return null;
  const addresses = told
    .map((message) => decodeAddress(message.payload))
    // A kernel that does not filter would tell of other devices' too.
    .filter((found) => found.ifindex === ifindex)
    .map((found) => found.address);
  const { routes, daemonRoutes } = aspects.routes ? readRoutes(asked, ifindex) : NO_ROUTES;
  const counted = daemonRoutes === 0 ? {} : { daemonRoutes };
  const nexthops = aspects.nexthops ? readNexthops(connection, ifindex) : [];
  const objects = nexthops.length === 0 ? {} : { nexthops };
  const names = aspects.rules === "own" ? [device.name, ...device.altnames] : aspects.rules;
  const rules = names.length === 0 ? [] : readRules(allRules, names);
  const naming = rules.length === 0 ? {} : { rules };
  const multicasts = aspects.multicasts ? (allMulticasts().get(ifindex) ?? []) : [];
  const joined = multicasts.length === 0 ? {} : { multicasts };
  const token = decodeToken(payload);
  const port = readPort(connection, device, payload, aspects.groups);
  const neighbours = aspects.neighbours ? readNeighbours(connection, device) : [];
  const qdisc = aspects.qdiscs ? readQdisc(connection, ifindex, "root") : null;
  const ingress = aspects.qdiscs ? (readQdisc(connection, ifindex, "ingress")?.kind ?? null) : null;
  return {
    device,
    addresses,
    routes,
    ...counted,
    ...objects,
    ...naming,
    ...joined,
    ...(token === null ? {} : { token }),
    port,
    neighbours,
    qdisc,
    ingress,
    sysctls,
    takenAt,
  };
}

/** The nexthop objects that leave by a device. */
function readNexthops(connection: Connection, ifindex: number): NexthopObject[] {
  try {
    return connection
      .dump(getNexthops(ifindex))
      .map(({ payload }) => decodeNexthop(payload, ifindex))
      .filter((found) => found !== null);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") return [];
    throw error;
  }
}

/** The entries of a device's tables that somebody made to stay. */
function readNeighbours(connection: Connection, { ifindex, mac }: Device): Neighbour[] {
  const tables = ["neighbours", "proxies", "fdb"] as const;
  return (
    tables
      .flatMap((table) => connection.dump(getNeighbours(ifindex, table)))
      .map(({ payload }) => decodeNeighbour(payload))
      // Kernels before 6.0 or so do not filter forwarding databases by device.
      .filter((found) => found.ifindex === ifindex && isMadeToStay(found.neighbour, mac))
      .map(({ neighbour }) => neighbour)
  );
}

/** None of its own (tc_get_qdisc()), or a kernel without any. */
const NO_QDISC: ReadonlySet<string> = new Set(["EINVAL", "ENOENT", "EOPNOTSUPP", "ENODEV"]);

function readQdisc(connection: Connection, ifindex: number, where: "root" | "ingress"): Qdisc | null {
  try {
    const [reply] = connection.request(getQdisc(ifindex, where));
    return reply === undefined ? null : decodeQdisc(reply.payload);
  } catch (error) {
    if (error instanceof NetlinkError && NO_QDISC.has(error.code)) return null;
    throw error;
  }
}

/** The settings of a device that there are names for in `wanted`; none where there is no such device. */
export function readSysctls({ connection, files }: Ground, ifindex: number, wanted: Sysctls): Sysctls {
  const payload = onePayload(connection, getLink(ifindex));
  if (payload === null) return NO_SYSCTLS;
  return withFiles(files, decodeLink(payload).name, decodeSysctls(payload), Object.keys(wanted));
}

function onePayload(connection: Connection, request: Request): Uint8Array | null {
  return unlessGone(() => connection.request(request)[0]?.payload ?? null);
}
