import { type Connection, connect } from "../netlink/connection.ts";
import type { Departures } from "./departures.ts";
import type { Pins } from "./pins.ts";
import type { NamespaceSocket, System } from "./system.ts";

/** A container's namespace: its fd keeps it and all that is in it, its socket acts in it. */
export interface HeldNamespace {
  readonly fd: number;
  readonly connection: Connection;
}

interface Entry extends HeldNamespace {
  readonly socket: NamespaceSocket;
  holds: number;
  pinned: boolean;
  /** Something may be left under its pin's path, be it of an earlier daemon. */
  hasPinFile: boolean;
}

/** The namespaces that are held, by cookie; each until it has been let go as often as it was held. */
export class Namespaces implements Disposable {
  readonly #system: System;
  readonly #pins: Pins;
  readonly #departures: Departures;
  readonly #entries = new Map<string, Entry>();

  constructor(system: System, pins: Pins, departures: Departures) {
    this.#system = system;
    this.#pins = pins;
    this.#departures = departures;
  }

  /** Holds a namespace by its fd and a socket in it, which are owned from here on. */
  hold(cookie: string, fd: number, socket: NamespaceSocket): void {
    const known = this.#entries.get(cookie);
    if (known === undefined) {
      this.#entries.set(cookie, {
        fd,
        socket,
        connection: connect(socket),
        holds: 1,
        pinned: false,
        hasPinFile: false,
      });
      return;
    }
    known.holds += 1;
    socket[Symbol.dispose]();
    this.#system.close(fd);
  }

  /** All that are held, by cookie. */
  held(): Iterable<readonly [string, HeldNamespace]> {
    return this.#entries;
  }

  /** Holds a namespace that is held once more. */
  again(cookie: string): void {
    this.#entry(cookie).holds += 1;
  }

  /** A namespace that is held; anything else is a fault of the caller's. */
  get(cookie: string): HeldNamespace {
    return this.#entry(cookie);
  }

  /**
   * Lets go once; one that is not held is fine.
   *
   * @param keepPin whether it is to stay pinned, for whoever takes hold of it later
   */
  letGo(cookie: string, keepPin = false): void {
    const entry = this.#entries.get(cookie);
    if (entry === undefined) return;
    entry.holds -= 1;
    if (entry.holds > 0) return;
    this.#entries.delete(cookie);
    try {
      const isThere = entry.pinned || (entry.hasPinFile && this.#pins.has(cookie));
      if (isThere && !keepPin) this.#pins.unpin(cookie);
    } finally {
      this.#departures.leave(cookie);
      entry.socket[Symbol.dispose]();
      this.#system.close(entry.fd);
    }
  }

  /** Pins a held namespace until it is let go for the last time; gives why it could not be, or null. */
  pin(cookie: string): string | null {
    const entry = this.#entry(cookie);
    if (entry.pinned) return null;
    entry.hasPinFile = true;
    const fault = this.#pins.pin(cookie, entry.fd);
    entry.pinned = fault === null;
    return fault;
  }

  /** Takes away the pin that is left of one that is not held any more; false: it is held again, and keeps it. */
  unpin(cookie: string): boolean {
    if (this.#entries.has(cookie)) return false;
    this.#pins.unpin(cookie);
    return true;
  }

  /** Takes away all pins, those of `known` aside; gives why one or another could not be, in words. */
  unpinOthers(known: readonly string[]): string[] {
    const others = this.#pins.list().filter((cookie) => !known.includes(cookie));
    return others.flatMap((cookie) => {
      try {
        this.#pins.unpin(cookie);
        return [];
      } catch (error) {
        return [`namespace ${cookie}: ${error}`];
      }
    });
  }

  /** Notes that it may be pinned already: by an earlier daemon. */
  adoptPin(cookie: string): void {
    const entry = this.#entry(cookie);
    entry.pinned = this.#pins.has(cookie);
    entry.hasPinFile = entry.pinned;
  }

  /** Lets go of all at once, and leaves the pins to the next daemon. */
  [Symbol.dispose](): void {
    for (const { socket, fd } of this.#entries.values()) {
      socket[Symbol.dispose]();
      this.#system.close(fd);
    }
    this.#entries.clear();
  }

  #entry(cookie: string): Entry {
    const entry = this.#entries.get(cookie);
    if (entry === undefined) throw new Error(`namespace ${cookie} is not held`);
    return entry;
  }
}
