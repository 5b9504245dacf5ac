import type { Opened } from "./kernel.ts";
import type { Namespaces } from "./namespaces.ts";
import type { System } from "./system.ts";
import { discard, type Examined, hostNamespace } from "./target.ts";
import type { Watches } from "./watches.ts";

/** Where what is taken hold of goes. */
export interface Taking {
  readonly system: System;
  readonly namespaces: Namespaces;
  readonly watches: Watches;
  readonly homeCookie: string;
  /** Told each time that a namespace is entered. */
  entered(): void;
}

/**
 * Takes hold of what was opened, which is owned from here on: enters the namespace once for a socket, which tells
 * the cookie and goes on acting there.
 */
export type Take = (examined: Extract<Examined, { ok: true }>) => Opened;

/** A {@link Take} into what is held already. */
export function takerOver(taking: Taking): Take {
  const { system, namespaces, watches, homeCookie } = taking;
  return (examined) => {
    try {
      const socket = system.enter(examined.namespace);
      taking.entered();
      const cookie = socket.cookie();
      if (cookie === homeCookie) {
        socket[Symbol.dispose]();
        discard(system, examined);
        return { ok: false, problem: hostNamespace(examined.text) };
      }
      namespaces.hold(cookie, examined.namespace, socket);
      if (examined.process === null) return { ok: true, cookie, process: null };
      const { pidfd, startTime } = examined.process;
      return { ok: true, cookie, process: { watch: watches.add(pidfd), startTime } };
    } catch (error) {
      discard(system, examined);
      throw error;
    }
  };
}
