import { SyscallError } from "../../ffi/errno.ts";
import { DecodeError } from "../netlink/decode-error.ts";
import { type Departure, decodeDeparture } from "../netlink/departure.ts";
import { decodeMessages } from "../netlink/message.ts";
import { RTM_DELLINK } from "../netlink/uapi.ts";
import { isSystemRefusal } from "./kernel.ts";
import type { LinkMonitor, ReadySet, System } from "./system.ts";

/** What was heard in one namespace. */
export interface Heard {
  readonly from: string;
  readonly departures: readonly Departure[];
  /** Whether more has left than was heard of: an overrun. */
  readonly lost: boolean;
}

/**
 * Listens in held namespaces for devices that leave them: a namespace made by a container may end together with it,
 * and a virtual device that has been moved on to there with it, so that it has to be held while it can be found.
 */
export class Departures implements Disposable {
  readonly #system: System;
  readonly #entered: () => void;
  readonly #ready: ReadySet;
  /** By cookie. */
  readonly #monitors = new Map<string, LinkMonitor>();
  /** Cookies by the fd of the monitor. */
  readonly #cookies = new Map<number, string>();

  /** @param entered told each time that a namespace is entered */
  constructor(system: System, entered: () => void) {
    this.#system = system;
    this.#entered = entered;
    this.#ready = system.readySet();
  }

  /** Becomes readable when a device has left one of the namespaces. */
  get fd(): number {
    return this.#ready.fd;
  }

  /**
   * Begins to listen in the namespace of an fd; where that is done already, nothing changes.
   *
   * @returns why it cannot be done, or null
   */
  listen(cookie: string, namespace: number): string | null {
    if (this.#monitors.has(cookie)) return null;
    let monitor: LinkMonitor | null = null;
    try {
      monitor = this.#system.departures(namespace);
      this.#entered();
      this.#ready.add(monitor.fd);
      this.#monitors.set(cookie, monitor);
      this.#cookies.set(monitor.fd, cookie);
      return null;
    } catch (error) {
      monitor?.[Symbol.dispose]();
      if (!isSystemRefusal(error)) throw error;
      return error.message;
    }
  }

  /** Listens there no more. What listens holds the namespace. */
  leave(cookie: string): void {
    const monitor = this.#monitors.get(cookie);
    if (monitor === undefined) return;
    this.#monitors.delete(cookie);
    this.#cookies.delete(monitor.fd);
    this.#ready.remove(monitor.fd);
    monitor[Symbol.dispose]();
  }

  /** All that was heard since the last look. */
  take(): Heard[] {
    return this.#ready.ready().flatMap((fd) => {
      const from = this.#cookies.get(fd);
      const monitor = from === undefined ? undefined : this.#monitors.get(from);
      return from === undefined || monitor === undefined ? [] : [{ from, ...heardOf(monitor) }];
    });
  }

  [Symbol.dispose](): void {
    for (const cookie of Array.from(this.#monitors.keys())) this.leave(cookie);
    this.#ready[Symbol.dispose]();
  }
}

function heardOf(monitor: LinkMonitor): Omit<Heard, "from"> {
  const departures: Departure[] = [];
  let lost = false;
  for (;;) {
    try {
      const datagram = monitor.next();
      if (datagram === null) return { departures, lost };
      for (const { type, payload } of decodeMessages(datagram)) {
        const departure = type === RTM_DELLINK ? decodeDeparture(payload) : null;
        if (departure !== null) departures.push(departure);
      }
    } catch (error) {
      if (!(error instanceof SyscallError || error instanceof DecodeError)) throw error;
      lost = true;
      // After an overrun there is more to be read.
      if (error instanceof SyscallError && error.code !== "ENOBUFS") return { departures, lost };
    }
  }
}
