import type { Device } from "../domain/device.ts";
import type { Connection } from "../netlink/connection.ts";
import { decodeLink, getLinksOf } from "../netlink/link.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { decodeNsid, getNsids } from "../netlink/nsid.ts";
import { holdAt, numberAt, numberOf, reach, type Trail } from "./by-number.ts";

/** A namespace that was looked into from another one, by the number that it has there. */
export interface Sight {
  readonly nsid: number;
  readonly devices: readonly Device[];
  /** Takes hold of it, to be let go by the caller; null: nothing leads to it. For as long as no other sight is asked for. */
  hold(): string | null;
}

/** What leads to a namespace: a path, or one's being held. */
type Way = { readonly path: string } | { readonly cookie: string; readonly fd: number };

/** Where to look from. */
interface Place {
  readonly way: Way;
  readonly cookie: string;
}

/** How often a search may look yet. */
export interface Budget {
  looks: number;
}

/** What is common to all looks of one search. */
interface Search {
  readonly trail: Trail;
  /** fds of home and of where it began, which have been looked at by more than their looks. */
  readonly before: readonly number[];
  readonly ways: Iterable<Way>;
  /** Those that led to a namespace which has been looked into. */
  readonly known: Set<Way>;
  readonly budget: Budget;
  /** Whether ways that are there by now may be listed once more. */
  mayListAgain: boolean;
}

/** Of a namespace that has gone since it was listed, or is not ours to look into: rtnl_get_net_ns_capable(). */
const UNSEEN: readonly string[] = ["EINVAL", "EACCES"];
/** Containers in containers: nobody goes deeper. */
const DEEPEST = 4;
/**
 * How often a search looks at most: asks for the number of what a way leads to, or for what is in a namespace, where each
 * device counts as well. Whoever is inside can make namespaces without end that have numbers for each other, and the
 * kernel's thread does nothing else meanwhile: 25 µs each, which is some 1.3 s.
 */
export const MOST_LOOKS = 50_000;

/**
 * Looks into the namespaces that the one of `start` has a number for, then into those that these have one for, and so
 * on: each once, those that fewer steps lead to first, so that how deep it goes leaves none out. Home and `start` are
 * left out. What is looked from is held meanwhile, and nothing else.
 *
 * @param start cookie of a namespace that is held
 * @param budget when that is used up it ends, whatever there is to be looked at yet
 */
export function* sightsFrom(trail: Trail, start: string, budget: Budget): Generator<Sight> {
  const { fd } = trail.get(start);
  const before = [trail.homeFd, fd];
  // What is held later on is held for this search alone, and let go on the way.
  const held = Array.from(trail.held(), ([cookie, { fd }]) => ({ cookie, fd }));
  const ways = remembered(waysOver(trail.paths(), held));
  const search = { trail, before, ways, known: new Set<Way>(), budget, mayListAgain: true };
  let places: Place[] = [{ way: { cookie: start, fd }, cookie: start }];
  for (let depth = 1; depth <= DEEPEST; depth++) {
    const deeper: Place[] = [];
    for (const place of places) {
      if (!holdAgain(trail, place)) continue;
      try {
        yield* sightsOf(search, place, depth < DEEPEST ? deeper : null);
      } finally {
        trail.close(place.cookie);
      }
      if (search.budget.looks <= 0) return;
    }
    places = deeper;
  }
}

/** @param deeper takes what is to be looked from after that; null: nothing is */
function* sightsOf(search: Search, { cookie }: Place, deeper: Place[] | null): Generator<Sight> {
  const { trail, known } = search;
  const { connection, fd } = trail.get(cookie);
  // A namespace may have a number for itself.
  const passed = [...search.before, fd].map((one) => numberOf(connection, one));
  const wayTo = waysByNumber(search, connection);
  for (const nsid of nsidsOf(connection)) {
    if (passed.includes(nsid)) continue;
    const way = wayTo(nsid);
    if (way !== null && known.has(way)) continue;
    if (search.budget.looks <= 0) return;
    const devices = devicesOf(connection, nsid);
    search.budget.looks -= 1 + devices.length;
    if (way === null) {
      yield { nsid, devices, hold: () => null };
      continue;
    }
    known.add(way);
    const hold = () => holdBy(trail, way, connection, nsid);
    yield { nsid, devices, hold: () => hold() ?? holdAnew(search, connection, nsid) };
    const next = deeper === null ? null : hold();
    if (next === null) continue;
    // Held all together they would be more than there may be open files.
    trail.close(next);
    deeper?.push({ way, cookie: next });
  }
}

/** Finds the way to what has a number in a namespace: asks there for that of each, once and as far as is needed. */
function waysByNumber(search: Search, connection: Connection): (nsid: number) => Way | null {
  const found = new Map<number, Way>();
  const left = search.ways[Symbol.iterator]();
  return (nsid) => {
    for (let known = found.get(nsid); ; known = found.get(nsid)) {
      if (known !== undefined) return known;
      if (search.budget.looks <= 0) return null;
      const next = left.next();
      if (next.done) return null;
      search.budget.looks -= 1;
      const way: Way = next.value;
      const number =
        "path" in way ? numberAt(search.trail, connection, way.path) : numberOf(connection, way.fd);
      if (number !== null && !found.has(number)) found.set(number, way);
    }
  };
}

/** Another process may have come to that path since its number was asked for. */
function holdBy(trail: Trail, way: Way, connection: Connection, nsid: number): string | null {
  if ("path" in way) return holdAt(trail, way.path, (fd) => numberOf(connection, fd) === nsid);
  trail.again(way.cookie);
  return way.cookie;
}

/** The process that led there may have ended since it was listed, and another one be there still. */
function holdAnew(search: Search, connection: Connection, nsid: number): string | null {
  if (!search.mayListAgain) return null;
  search.mayListAgain = false;
  return reach(search.trail, connection, nsid);
}

/** Takes hold of what was let go before; false: it has gone, or something else is there. */
function holdAgain(trail: Trail, { way, cookie }: Place): boolean {
  if ("cookie" in way) {
    trail.again(cookie);
    return true;
  }
  const held = holdAt(trail, way.path, () => true);
  if (held === null || held === cookie) return held !== null;
  trail.close(held);
  return false;
}

function* waysOver(paths: Iterable<string>, held: readonly Way[]): Generator<Way> {
  for (const path of paths) yield { path };
  yield* held;
}

/** What `items` gives, drawn as far as anybody asks for, and the same to each who does. */
function remembered<T extends object>(items: Iterable<T>): Iterable<T> {
  const drawn: T[] = [];
  const source = items[Symbol.iterator]();
  return {
    *[Symbol.iterator]() {
      for (let at = 0; ; at++) {
        if (at === drawn.length) {
          const next = source.next();
          if (next.done) return;
          drawn.push(next.value);
        }
        const item = drawn[at];
        if (item !== undefined) yield item;
      }
    },
  };
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
