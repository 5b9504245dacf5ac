import type { Connection } from "../netlink/connection.ts";
import { decodeNsid, getNsidOf } from "../netlink/nsid.ts";
import type { Opening } from "./find-namespace.ts";
import type { Opened } from "./kernel.ts";
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

/**
 * Takes hold of the namespace that has this number in another one; null where nothing leads to it. Those that are
 * looked at on the way are not entered: a host may have thousands.
 */
export function reach(trail: Trail, connection: Connection, nsid: number): string | null {
  for (const path of trail.paths()) {
    const cookie = holdAt(trail, path, (fd) => numberOf(connection, fd) === nsid);
    if (cookie !== null) return cookie;
  }
  for (const [cookie, { fd }] of trail.held()) {
    if (numberOf(connection, fd) !== nsid) continue;
    trail.again(cookie);
    return cookie;
  }
  return null;
}

/** Takes hold of the namespace under a path if it is the one that is meant; null: it is not, or not there any more. */
export function holdAt(trail: Trail, path: string, isMeant: (fd: number) => boolean): string | null {
  const fd = trail.look(path);
  if (fd === null) return null;
  let isIt = false;
  try {
    isIt = isMeant(fd);
  } finally {
    if (!isIt) trail.pass(fd);
  }
  if (!isIt) return null;
  const opened = trail.take(fd, path);
  return opened.ok ? opened.cookie : null;
}

/** What number the namespace under a path has, or null. */
export function numberAt(trail: Trail, connection: Connection, path: string): number | null {
  const fd = trail.look(path);
  if (fd === null) return null;
  try {
    return numberOf(connection, fd);
  } finally {
    trail.pass(fd);
  }
}

/** What number the namespace of an fd has, or null. */
export function numberOf(connection: Connection, fd: number): number | null {
  const [reply] = connection.request(getNsidOf(fd));
  return reply === undefined ? null : decodeNsid(reply.payload);
}
