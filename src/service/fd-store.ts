import { closeFd } from "../../ffi/netns.ts";
import { closeAtExec } from "../../ffi/pipe.ts";
import type { Log } from "../engine/log.ts";
import { type Pins, pinsIn } from "../engine/pins.ts";
import { passedFds } from "./listen-fds.ts";
import { notifierFor } from "./notifier.ts";
import type { Environment, Notifier } from "./sd-notify.ts";

/** What makes a cookie the name of an fd; `systemd-analyze fdstore` shows it. */
const PREFIX = "netns-";

/** What the daemon has to know of the service manager's store to hold namespaces in it. */
export interface FdStore {
  /** NOTIFY_SOCKET: the store is filled and emptied over it. */
  readonly socket: string;
  /** What the store holds already, from the daemons before this one: our fd of each by cookie. */
  readonly held: ReadonlyMap<string, number>;
}

/** How namespaces are held over the daemon's death: plain data, because the kernel's thread is told it. */
export interface Holding {
  /** The folder in which they are pinned by mounts. */
  readonly folder: string;
  /** The service manager's store, which is used in place of mounts; null: there is none. */
  readonly store: FdStore | null;
}

/**
 * The service manager's store, if it has one for this process; null: there is none.
 *
 * FDSTORE says how much it holds. systemd sets it since version 254; for older ones the unit does.
 */
export function fdStore(env: Environment, pid: number, log: Log): FdStore | null {
  const held = new Map<string, number>();
  for (const { name, fd } of passedFds(env, pid)) {
    closeAtExec(fd);
    const cookie = cookieOf(name);
    if (cookie !== null && !held.has(cookie)) {
      held.set(cookie, fd);
      continue;
    }
    log(
      "warning",
      `the service manager passed on an fd by the name of ${JSON.stringify(name)}, which is closed`,
      {},
    );
    closeFd(fd);
  }
  const socket = env.NOTIFY_SOCKET ?? "";
  if (socket === "" || !(Number(env.FDSTORE ?? "0") > 0)) return null;
  return { socket, held };
}

/** The {@link Pins} of a {@link Holding}, which owns the store's fds from here on. */
export function pinsOf({ folder, store }: Holding): Pins {
  const mounted = pinsIn(folder);
  return store === null
    ? mounted
    : storedPins(notifierFor({ NOTIFY_SOCKET: store.socket }), store.held, mounted);
}

/** A namespace's cookie by the name that it is stored under; null: the name is none of ours. */
export function cookieOf(name: string): string | null {
  return /^netns-(\d+)$/.exec(name)?.[1] ?? null;
}

/**
 * Namespaces held by the service manager, which outlives this process: by its fd store, and not by mounts. A
 * unit with a mount namespace of its own cannot make mounts that outlive it.
 *
 * @param held what the store holds already; its fds are owned from here on
 * @param mounted pins of whoever could mount, which are read and left alone: see `hold.ts`
 */
export function storedPins(
  notifier: Pick<Notifier, "storeFds" | "forgetFds" | "barrier">,
  held: ReadonlyMap<string, number>,
  mounted: Pins,
): Pins {
  const own = new Map<string, number | null>(held);
  return {
    path(cookie) {
      const fd = own.get(cookie) ?? null;
      return fd === null ? mounted.path(cookie) : `/proc/${process.pid}/fd/${fd}`;
    },
    has: (cookie) => own.has(cookie),
    pin(cookie, fd) {
      // By its name and not by comparing fds: each start opens the namespace anew, and it need not be held twice.
      if (own.has(cookie)) return null;
      const fault = notifier.storeFds(PREFIX + cookie, [fd]) ?? notifier.barrier();
      if (fault !== null) return fault.message;
      own.set(cookie, null);
      return null;
    },
    unpin(cookie) {
      const fd = own.get(cookie);
      if (fd === undefined) return;
      const fault = notifier.forgetFds(PREFIX + cookie);
      // On record until the manager has been told: it is to be told again.
      if (fault !== null) throw fault;
      own.delete(cookie);
      if (fd !== null) closeFd(fd);
    },
    list: () => [...new Set([...own.keys(), ...mounted.list()])],
  };
}
