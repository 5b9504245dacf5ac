import { isJoinedDown } from "./port.ts";
import type { Snapshot } from "./snapshot.ts";
import { type LinkChange, NO_CHANGE } from "./step.ts";

/** How a device itself gets from what is to what shall be. */
export interface LinkWay {
  /** All that changes. */
  readonly change: LinkChange;
  /** Whether it becomes a port, or another's. */
  readonly joins: boolean;
  /** Whether it is down on the way, and loses what any device does by that. */
  readonly goesDown: boolean;
  /** What has to be done first, each by itself; never before a move. */
  readonly before: readonly LinkChange[];
  /** What comes with the move, or behind that. */
  readonly main: LinkChange;
  /** Whether it is to come up by itself, when it is a port. */
  readonly upLast: boolean;
}

/** The way of a device from `now` to `goal`; of one that moves the kernel has taken it down and parted it. */
export function linkWay(now: Snapshot, goal: Snapshot, moves: boolean): LinkWay {
  const change = linkChange(now, goal, moves);
  const joinsDown =
    change.master !== null && [now, goal].some(({ device }) => isJoinedDown(device.slaveKind));
  const isTakenDown = joinsDown && now.device.up && !moves;
  // At parting from what lent it a MAC it gets its own back: another one can be given after that alone.
  const partsFirst = !moves && change.master !== null && now.port?.mac !== undefined;
  return {
    change,
    joins: joins(now, goal, moves),
    goesDown: isTakenDown || change.up === false,
    before: [
      ...(isTakenDown ? [{ ...NO_CHANGE, up: false }] : []),
      ...(partsFirst ? [{ ...NO_CHANGE, master: 0 }] : []),
    ],
    main: {
      ...change,
      up: isTakenDown ? null : change.up,
      master: partsFirst ? goal.device.master : change.master,
    },
    // Before Linux 6.1 a device came up first where one message asked for that and for a master (do_setlink()).
    upLast: joinsDown && (isTakenDown || change.up === true),
  };
}

/** Whether nothing changes. */
export function isEmpty(change: LinkChange): boolean {
  return Object.values(change).every((value) => value === null);
}

function joins(now: Snapshot, goal: Snapshot, moves: boolean): boolean {
  return moves || now.device.master !== goal.device.master;
}

function linkChange(now: Snapshot, goal: Snapshot, moves: boolean): LinkChange {
  const [there, wanted] = [now.device, goal.device];
  // A move leaves every device down.
  const isUp = there.up && !moves;
  const isToJoin = joins(now, goal, moves);
  // What lends a MAC notes the one that it finds as the port's own, and gives it back with the MTU at parting.
  const own = isToJoin ? (goal.port?.mac ?? there.mac) : there.mac;
  const mac = goal.port?.mac === undefined ? wanted.mac : own;
  const isReset = isToJoin && now.port?.mac !== undefined;
  return {
    name: there.name === wanted.name ? null : wanted.name,
    mtu: there.mtu === wanted.mtu && !isReset ? null : wanted.mtu,
    mac: there.mac === mac && !isReset ? null : mac,
    alias: there.alias === wanted.alias ? null : (wanted.alias ?? ""),
    txqueuelen: there.txqueuelen === wanted.txqueuelen ? null : wanted.txqueuelen,
    group: there.group === wanted.group ? null : wanted.group,
    master: (moves ? null : there.master) === wanted.master ? null : (wanted.master ?? 0),
    flags: wanted.flags === null || there.flags === wanted.flags ? null : wanted.flags,
    up: isUp === wanted.up ? null : wanted.up,
  };
}
