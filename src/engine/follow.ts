import { type Device, isHardware, mayBe } from "../domain/device.ts";
import type { Connection } from "../netlink/connection.ts";
import { decodeLink, getLinksOf } from "../netlink/link.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { decodeNsid, getNsidOf, getNsids } from "../netlink/nsid.ts";
import type { Opening } from "./find-namespace.ts";
import type { Followed, Opened } from "./kernel.ts";
import type { Wanted } from "./locate.ts";
import type { HeldNamespace } from "./namespaces.ts";

/** What following a device takes. */
export interface Trail extends Opening {
  readonly homeFd: number;
  /** Paths of all namespaces that anything leads to, home aside. */
  paths(): Iterable<string>;
  /** Opens the namespace under a path; null: there is none any more. To be passed by, or taken hold of. */
  look(path: string): number | null;
  pass(fd: number): void;
  take(fd: number, path: string): Opened;
  /** Those that are held by now. */
  held(): Iterable<readonly [string, HeldNamespace]>;
  /** Holds one of them once more. */
  again(cookie: string): void;
}

/** Of a namespace that has gone since it was listed, or is not ours to look into: rtnl_get_net_ns_capable(). */
const UNSEEN: readonly string[] = ["EINVAL", "EACCES"];
/** Containers in containers: nobody goes deeper. */
const DEEPEST = 4;

/**
 * Looks for a device that is in a container's namespace no more, and did not come home: whoever was inside may
 * have moved it on. A namespace has a number for each that a device of its ever went to; a device is looked for
 * in those alone, and known by its MAC at least.
 *
 * Who is found is held, to be let go by the caller. Read by number a namespace can be without being reached:
 * then that is told.
 *
 * @param before fds of namespaces that have been looked at on the way
 */
export function follow(
  trail: Trail,
  cookie: string,
  wanted: Wanted,
  before: readonly number[] = [trail.homeFd],
): Followed | null {
  const { connection, fd } = trail.get(cookie);
  let seen: Followed | null = null;
  const passed = [...before, fd];
  const numbers = passed.map((one) => numberOf(connection, one));
  for (const nsid of nsidsOf(connection)) {
    // What is there has been looked at, and by more than its looks; a namespace may have a number for itself.
    if (numbers.includes(nsid)) continue;
    const device = devicesOf(connection, nsid).find((one) => isIt(one, wanted));
    const isFound = device !== undefined;
    if (!isFound && passed.length > DEEPEST) continue;
    const reached = reach(trail, connection, nsid);
    if (isFound && reached !== null) return { ok: true, cookie: reached, ifindex: device.ifindex };
    if (isFound) seen = { ok: false, nsid, name: device.name };
    if (reached === null) continue;
    try {
      const deeper = follow(trail, reached, wanted, passed);
      if (deeper?.ok === true) return deeper;
      seen ??= deeper;
    } finally {
      trail.close(reached);
    }
  }
  return seen;
}

function nsidsOf(connection: Connection): number[] {
  return connection.dump(getNsids()).flatMap(({ payload }) => decodeNsid(payload) ?? []);
}

function devicesOf(connection: Connection, nsid: number): Device[] {
  try {
    return connection.dump(getLinksOf(nsid)).map(({ payload }) => decodeLink(payload));
  } catch (error) {
    if (error instanceof NetlinkError && UNSEEN.includes(error.code)) return [];
    throw error;
  }
}

/** Nobody else's: hardware by what nobody can change, all else by the MAC that it had when it was last seen. */
function isIt(device: Device, { identity, names }: Wanted): boolean {
  if (isHardware(identity)) return mayBe(identity, device, false);
  return mayBe(identity, device, true) && (device.mac !== null || names.includes(device.name));
}

/**
 * Takes hold of the namespace that has this number in another one; null where nothing leads to it. Those that are
 * looked at on the way are not entered: a host may have thousands.
 */
export function reach(trail: Trail, connection: Connection, nsid: number): string | null {
  for (const path of trail.paths()) {
    const fd = trail.look(path);
    if (fd === null) continue;
    let isIt = false;
    try {
      isIt = numberOf(connection, fd) === nsid;
    } finally {
      if (!isIt) trail.pass(fd);
    }
    if (!isIt) continue;
    const opened = trail.take(fd, path);
    return opened.ok ? opened.cookie : null;
  }
  for (const [cookie, { fd }] of trail.held()) {
    if (numberOf(connection, fd) !== nsid) continue;
    trail.again(cookie);
    return cookie;
  }
  return null;
}

/** What number the namespace of an fd has, or null. */
export function numberOf(connection: Connection, fd: number): number | null {
  const [reply] = connection.request(getNsidOf(fd));
  return reply === undefined ? null : decodeNsid(reply.payload);
}
