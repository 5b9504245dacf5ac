import { constants } from "node:os";
import { SyscallError } from "../../ffi/errno.ts";
import type { Journal } from "../../src/engine/journal.ts";
import type { Pins } from "../../src/engine/pins.ts";
import type { NamespaceSocket, System } from "../../src/engine/system.ts";
import { decodeMessages, encodeMessage, type Message } from "../../src/netlink/message.ts";
import { ack } from "../sim/model/acks.ts";
import { Crash, type Fuse, isQuestion } from "../sim/model/faults.ts";
import { type ErrnoCode, Refusal } from "../sim/model/refusal.ts";

/** One thing that a daemon does to the kernel or to its disk, in the order in which it does it. */
export interface Effect {
  readonly kind: "request" | "question" | "journal" | "pin" | "unpin" | "enter" | "open" | "pidfd" | "sysctl";
  /** What it is, for a person: `RTM_NEWLINK`, `updateDevice`, … */
  readonly what: string;
  /** Whether it begins a datagram: what comes behind it in the same one cannot be cut off from it. */
  readonly leads: boolean;
}

/**
 * What goes wrong with one effect: `refuse`: the kernel says no and does nothing of it; `send`: it is not
 * sent; `lose`: it is done, and its answer is lost; `fail`: a call fails and does nothing; `kill`: SIGKILL
 * before it; `kill-after`: SIGKILL behind it.
 */
export type How = "refuse" | "send" | "lose" | "fail" | "kill" | "kill-after";

/** A fault at the effect number `at`, counted from 1. */
export interface Fault {
  readonly at: number;
  readonly how: How;
  /** null with a kill. */
  readonly code: ErrnoCode | null;
}

/** Counts effects, and has one of them go wrong. */
export interface Injector {
  readonly effects: Effect[];
  /** Begins to count anew, with another fault. */
  arm(fault: Fault | null): void;
  system(real: System): System;
  journal(real: Journal): Journal;
  pins(real: Pins): Pins;
}

const MESSAGES: Readonly<Record<number, string>> = {
  16: "RTM_NEWLINK",
  18: "RTM_GETLINK",
  20: "RTM_NEWADDR",
  21: "RTM_DELADDR",
  22: "RTM_GETADDR",
  24: "RTM_NEWROUTE",
  25: "RTM_DELROUTE",
  26: "RTM_GETROUTE",
  108: "RTM_NEWLINKPROP",
  109: "RTM_DELLINKPROP",
};

/** @param fuse burns with a kill: nothing has any effect from then on */
export function createInjector(fuse: Fuse): Injector {
  let effects: Effect[] = [];
  let armed: Fault | null = null;

  /** Notes an effect; gives what is to go wrong with it. */
  function fault(effect: Effect): Fault | null {
    if (fuse.isBurnt) throw new Crash("killed before");
    effects.push(effect);
    if (armed?.at !== effects.length) return null;
    if (armed.how === "kill") die();
    return armed;
  }

  function die(): never {
    fuse.burn();
    throw new Crash(`killed at effect ${effects.length}`);
  }

  /** A call that is an effect. */
  function around<T>(kind: Effect["kind"], what: string, call: () => T, fails: (code: ErrnoCode) => T): T {
    const found = fault({ kind, what, leads: true });
    if (found?.how === "fail") return fails(found.code ?? "EIO");
    const result = call();
    if (found?.how === "kill-after") die();
    return result;
  }

  function socket(real: NamespaceSocket): NamespaceSocket {
    const refusals: Uint8Array[] = [];
    let lost: ErrnoCode | null = null;
    return {
      ...real,
      driver: (name) => real.driver(name),
      send(datagram) {
        const carried: Message[] = [];
        let killed = false;
        for (const [at, request] of decodeMessages(datagram).entries()) {
          const what = MESSAGES[request.type] ?? `type ${request.type}`;
          const kind = isQuestion(request) ? "question" : "request";
          const found = fault({ kind, what, leads: at === 0 });
          if (found?.how === "send") throw syscallError("sendto", found.code);
          if (found?.how === "lose") lost = found.code;
          killed ||= found?.how === "kill-after";
          if (found?.how === "refuse") refusals.push(ack(request, new Refusal(found.code ?? "EIO", null)));
          else carried.push(request);
        }
        if (carried.length > 0) real.send(Uint8Array.from(Buffer.concat(carried.map(encodeMessage))));
        if (killed) die();
      },
      receive() {
        if (fuse.isBurnt) throw new Crash("killed before");
        const code = lost;
        lost = null;
        if (code !== null) throw syscallError("recvfrom", code);
        return refusals.shift() ?? real.receive();
      },
      cookie: () => real.cookie(),
      [Symbol.dispose]: () => real[Symbol.dispose](),
    };
  }

  return {
    get effects() {
      return effects;
    },
    arm(next) {
      effects = [];
      armed = next;
    },
    system: (real) => ({
      ...real,
      home: () => socket(real.home()),
      enter: (namespace) =>
        socket(
          around(
            "enter",
            "setns, socket",
            () => real.enter(namespace),
            (code) => {
              throw syscallError(code === "EPERM" ? "setns" : "socket", code);
            },
          ),
        ),
      departures: (namespace) =>
        around(
          "enter",
          "setns, socket, bind",
          () => real.departures(namespace),
          (code) => {
            throw syscallError(code === "EPERM" ? "setns" : "socket", code);
          },
        ),
      open: (path) =>
        around(
          "open",
          "open",
          () => real.open(path),
          (code) => {
            throw syscallError("open", code);
          },
        ),
      writeSysctl: (namespace, path, text) =>
        around(
          "sysctl",
          "write",
          () => real.writeSysctl(namespace, path, text),
          (code) => {
            throw syscallError("write", code);
          },
        ),
      openPidfd: (pid) =>
        around(
          "pidfd",
          "pidfd_open",
          () => real.openPidfd(pid),
          (code) => {
            throw syscallError("pidfd_open", code);
          },
        ),
    }),
    journal(real) {
      const write = (what: string, call: () => void) =>
        around("journal", what, call, (code) => {
          throw new Error(code === "ENOSPC" ? "database or disk is full" : `disk I/O error (${code})`);
        });
      return {
        attachments: real.attachments,
        check: () => real.check(),
        add: (attachment) => write("add", () => real.add(attachment)),
        update: (attachment) => write("update", () => real.update(attachment)),
        updateDevice: (key, at, device) => write("updateDevice", () => real.updateDevice(key, at, device)),
        delete: (key) => write("delete", () => real.delete(key)),
        [Symbol.dispose]: () => real[Symbol.dispose](),
      };
    },
    pins: (real) => ({
      ...real,
      pin: (cookie, fd) =>
        around(
          "pin",
          "mount",
          () => real.pin(cookie, fd),
          (code) => `mount: ${code}`,
        ),
      unpin: (cookie) =>
        around(
          "unpin",
          "umount",
          () => real.unpin(cookie),
          (code) => {
            throw syscallError("umount2", code);
          },
        ),
    }),
  };
}

function syscallError(call: string, code: ErrnoCode | null): SyscallError {
  return new SyscallError(call, constants.errno[code ?? "EIO"]);
}
