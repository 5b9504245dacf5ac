import type { Journal } from "../../../src/engine/journal.ts";
import type { Kernel } from "../../../src/engine/kernel.ts";
import type { Pins } from "../../../src/engine/pins.ts";
import type { ReturnedDevices } from "../../../src/engine/returned.ts";
import type { NamespaceSocket, System } from "../../../src/engine/system.ts";
import { decodeMessages, encodeMessage, type Message } from "../../../src/netlink/message.ts";
import {
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETMDB,
  RTM_GETNEIGH,
  RTM_GETNEXTHOP,
  RTM_GETNSID,
  RTM_GETQDISC,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_GETVLAN,
} from "../../../src/netlink/uapi.ts";
import { ack } from "./acks.ts";
import { integer, type Random } from "./random.ts";
import { type ErrnoCode, Refusal } from "./refusal.ts";

/** Whether a message only asks. */
export function isQuestion({ type }: Message): boolean {
  return QUESTIONS.includes(type);
}

const QUESTIONS: readonly number[] = [
  RTM_GETLINK,
  RTM_GETADDR,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_GETMDB,
  RTM_GETNEIGH,
  RTM_GETNEXTHOP,
  RTM_GETNSID,
  RTM_GETQDISC,
  RTM_GETVLAN,
];

/** The daemon was killed right here. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * Counts a daemon's effects (datagrams that change something, writes to the journal), and kills it when it
 * is about to have one of them.
 */
export interface Fuse {
  /** The number of the effect that is not had any more; Infinity: none is. */
  readonly limit: number;
  readonly effects: number;
  readonly isBurnt: boolean;
  /** Resolves when it has burnt. */
  readonly burnt: Promise<void>;
  /** Throws {@link Crash} instead of the effect that it was set to, and of all that come after. */
  effect(): void;
  /** Kills the daemon now. */
  burn(): void;
}

/** @param at the number of the effect that is not had any more, counted from 1 */
export function createFuse(at = Number.POSITIVE_INFINITY): Fuse {
  const { promise, resolve } = Promise.withResolvers<void>();
  let effects = 0;
  let isBurnt = false;
  const burn = () => {
    isBurnt = true;
    resolve();
  };
  return {
    limit: at,
    burnt: promise,
    burn,
    get effects() {
      return effects;
    },
    get isBurnt() {
      return isBurnt;
    },
    effect() {
      effects += 1;
      if (effects >= at) burn();
      if (isBurnt) throw new Crash(`killed at effect ${effects}`);
    },
  };
}

/** A System whose changing datagrams go through a Fuse. */
export function fusedSystem(system: System, fuse: Fuse): System {
  const sockets = withSockets(system, (socket) => ({
    ...socket,
    send(datagram) {
      if (!decodeMessages(datagram).every(isQuestion)) fuse.effect();
      socket.send(datagram);
    },
  }));
  return {
    ...sockets,
    writeSysctl(namespace, path, text) {
      fuse.effect();
      sockets.writeSysctl(namespace, path, text);
    },
  };
}

/** A Journal whose writes go through a Fuse. */
export function fusedJournal(journal: Journal, fuse: Fuse): Journal {
  return {
    ...journal,
    add(attachment) {
      fuse.effect();
      journal.add(attachment);
    },
    update(attachment) {
      fuse.effect();
      journal.update(attachment);
    },
    updateDevice(key, at, device) {
      fuse.effect();
      journal.updateDevice(key, at, device);
    },
    delete(key) {
      fuse.effect();
      journal.delete(key);
    },
  };
}

/** A record of devices that came home whose writes go through a Fuse. */
export function fusedReturned(returned: ReturnedDevices, fuse: Fuse): ReturnedDevices {
  return {
    ...returned,
    put(key, entry) {
      fuse.effect();
      returned.put(key, entry);
    },
    delete(key) {
      fuse.effect();
      returned.delete(key);
    },
  };
}

/** Pins that go through a Fuse. */
export function fusedPins(pins: Pins, fuse: Fuse): Pins {
  return {
    ...pins,
    pin(cookie, fd) {
      fuse.effect();
      return pins.pin(cookie, fd);
    },
    unpin(cookie) {
      fuse.effect();
      pins.unpin(cookie);
    },
  };
}

/** A Kernel that never answers again once the Fuse has burnt: whoever waits for it is dead. */
export function fusedKernel(kernel: Kernel, fuse: Fuse): Kernel {
  return wrapped(
    kernel,
    (call) =>
      new Promise((resolve, reject) => {
        call().then(
          (value) => (fuse.isBurnt ? undefined : resolve(value)),
          (error) => (fuse.isBurnt ? undefined : reject(error)),
        );
      }),
  );
}

/** A Kernel that takes its time over each call: one after another, as its thread does. */
export function unevenKernel(kernel: Kernel, random: Random): Kernel {
  let last: Promise<unknown> = Promise.resolve();
  return wrapped(kernel, (call) => {
    const result = last.then(async () => {
      for (let turns = integer(random, 8); turns > 0; turns--) await Promise.resolve();
      return call();
    });
    last = result.catch(() => undefined);
    return result;
  });
}

function wrapped(kernel: Kernel, wrap: (call: () => Promise<unknown>) => Promise<unknown>): Kernel {
  return new Proxy(kernel, {
    get: (target, name) => {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== "function") return call;
      return (...args: unknown[]) => wrap(() => Reflect.apply(call, target, args));
    },
  });
}

/** What becomes of one request: null: the kernel carries it out; else the errno it is refused with. */
export type Refuser = (request: Message) => ErrnoCode | null;

/** A System whose kernel refuses what `refuser` says, without doing anything of it. */
export function refusingSystem(system: System, refuser: Refuser): System {
  return withSockets(system, (socket) => {
    const refusals: Uint8Array[] = [];
    return {
      ...socket,
      send(datagram) {
        const requests = decodeMessages(datagram);
        const carriedOut = requests.filter((request) => {
          const code = refuser(request);
          if (code !== null) refusals.push(ack(request, new Refusal(code, null)));
          return code === null;
        });
        if (carriedOut.length === requests.length) socket.send(datagram);
        else if (carriedOut.length > 0) socket.send(Buffer.concat(carriedOut.map(encodeMessage)));
      },
      receive: () => refusals.shift() ?? socket.receive(),
    };
  });
}

/** Refuses the changing request with this number, counted from 1. */
export function refuseChange(number: number, code: ErrnoCode): Refuser {
  let changes = 0;
  return (request) => {
    if (isQuestion(request)) return null;
    changes += 1;
    return changes === number ? code : null;
  };
}

function withSockets(system: System, wrap: (socket: NamespaceSocket) => NamespaceSocket): System {
  return {
    ...system,
    home: () => wrap(system.home()),
    enter: (namespace) => wrap(system.enter(namespace)),
  };
}
