import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";
import type { Journal } from "../../../src/engine/journal.ts";
import type { Pins } from "../../../src/engine/pins.ts";
import type { System } from "../../../src/engine/system.ts";
import { isQuestion, refusingSystem } from "../model/faults.ts";
import type { ErrnoCode } from "../model/refusal.ts";
import { count, type Tally } from "./tally.ts";

/** Requests that are going to be refused. */
interface Refusals {
  readonly of: "changes" | "questions";
  readonly code: ErrnoCode;
  /** Requests that go through before. */
  after: number;
  /** How many in a row. */
  times: number;
}

/** What goes wrong around a daemon for as long as it is so. */
export interface Troubles {
  readonly refusals: Refusals[];
  /** System calls that fail with EMFILE: after so many, so many in a row. */
  readonly calls: { after: number; times: number };
  /** Requests that have been made, refused or not. */
  changes: number;
  journalIsFull: boolean;
  pinsFail: boolean;
  /** They have, once at least. */
  pinsHaveFailed: boolean;
}

/** None. */
export function noTroubles(): Troubles {
  return {
    refusals: [],
    calls: { after: 0, times: 0 },
    changes: 0,
    journalIsFull: false,
    pinsFail: false,
    pinsHaveFailed: false,
  };
}

/** Ends all of them. */
export function endTroubles(troubles: Troubles): void {
  Object.assign(troubles.calls, { after: 0, times: 0 });
  Object.assign(troubles, { journalIsFull: false, pinsFail: false });
  troubles.refusals.length = 0;
}

/** A System in which they are felt. */
export function troubledSystem(system: System, troubles: Troubles, tally: Tally): System {
  const felt = refusingSystem(system, (request) => {
    const kind = isQuestion(request) ? "questions" : "changes";
    if (kind === "changes") troubles.changes += 1;
    const due = troubles.refusals.find((one) => one.of === kind && one.times > 0);
    if (due === undefined) return null;
    if (due.after > 0) {
      due.after -= 1;
      return null;
    }
    due.times -= 1;
    count(tally, `${kind} refused`);
    return due.code;
  });
  const failing =
    <Args extends readonly unknown[], T>(name: string, call: (...args: Args) => T) =>
    (...args: Args): T => {
      const { calls } = troubles;
      if (calls.times > 0 && calls.after > 0) calls.after -= 1;
      else if (calls.times > 0) {
        calls.times -= 1;
        count(tally, "system calls failed");
        throw new SyscallError(name, constants.errno.EMFILE);
      }
      return call(...args);
    };
  return {
    ...felt,
    open: failing("openat", felt.open),
    openPidfd: failing("pidfd_open", felt.openPidfd),
    enter: failing("socket", felt.enter),
  };
}

/** A Journal on a disk that may be full. */
export function troubledJournal(journal: Journal, troubles: Troubles, tally: Tally): Journal {
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
    (...args: Args): void => {
      if (troubles.journalIsFull) {
        count(tally, "journal writes failed");
        throw new Error("database or disk is full");
      }
      write(...args);
    };
  return {
    ...journal,
    add: writing(journal.add),
    update: writing(journal.update),
    updateDevice: writing(journal.updateDevice),
    delete: writing(journal.delete),
  };
}

/** Pins that may not be made. */
export function troubledPins(pins: Pins, troubles: Troubles, tally: Tally): Pins {
  return {
    ...pins,
    pin(cookie, fd) {
      if (!troubles.pinsFail) return pins.pin(cookie, fd);
      troubles.pinsHaveFailed = true;
      count(tally, "pins failed");
      return "mount: ENOSPC: no space left on device";
    },
  };
}
