import type { Address } from "../../../src/domain/address.ts";
import type { Device } from "../../../src/domain/device.ts";
import { isKernelMade } from "../../../src/domain/restorable.ts";
import { type LinkChange, NO_CHANGE } from "../../../src/domain/step.ts";
import { readDevices, readSnapshot } from "../../../src/engine/reader.ts";
import type { System } from "../../../src/engine/system.ts";
import { addAddress, deleteAddress } from "../../../src/netlink/address.ts";
import { type Connection, connect, type Request } from "../../../src/netlink/connection.ts";
import { addAltname, changeLink, deleteAltname, linkMessage } from "../../../src/netlink/link.ts";
import { NetlinkError } from "../../../src/netlink/netlink-error.ts";
import { RTM_DELLINK } from "../../../src/netlink/uapi.ts";

/** One of the two namespaces that a history is played in. */
export type Side = "a" | "b";

/** One request to a kernel, as data: to the device with this ifindex on one side. */
export type Action = { readonly on: Side; readonly ifindex: number } & (
  | {
      readonly do: "change";
      readonly change: Partial<LinkChange>;
      /** The side to move to; the same one is no move. */
      readonly to?: Side;
      readonly newIfindex?: number;
    }
  | { readonly do: "add-altname" | "delete-altname"; readonly altname: string }
  | { readonly do: "add-address" | "replace-address" | "delete-address"; readonly address: Address }
  | { readonly do: "delete" }
);

/** Two namespaces of a kernel, the model's or the real one's. */
export interface Arena extends Disposable {
  readonly connections: Readonly<Record<Side, Connection>>;
  readonly fds: Readonly<Record<Side, number>>;
}

/** What can be seen of an Arena from outside: of each side the devices with their addresses. */
export type Sight = Readonly<Record<Side, readonly { device: Device; addresses: readonly Address[] }[]>>;

/** Enters the two namespaces that two processes are in. */
export function arenaOf(system: System, pids: Readonly<Record<Side, number>>): Arena {
  const fds = { a: system.open(`/proc/${pids.a}/ns/net`), b: system.open(`/proc/${pids.b}/ns/net`) };
  const sockets = { a: system.enter(fds.a), b: system.enter(fds.b) };
  return {
    fds,
    connections: { a: connect(sockets.a), b: connect(sockets.b) },
    [Symbol.dispose]() {
      for (const side of ["a", "b"] as const) {
        sockets[side][Symbol.dispose]();
        system.close(fds[side]);
      }
    },
  };
}

/** Carries out an action; gives what the kernel said: "done", or the errno and its words. */
export function play(arena: Arena, action: Action): string {
  try {
    arena.connections[action.on].request(requestOf(arena, action));
    return "done";
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return `${error.code}: ${error.kernelMessage ?? "no words"}`;
  }
}

/** Looks at both sides. */
export function look(arena: Arena): Sight {
  const { a, b } = arena.connections;
  return { a: seen(a), b: seen(b) };
}

function requestOf(arena: Arena, action: Action): Request {
  const { ifindex } = action;
  switch (action.do) {
    case "change": {
      const { change, to, newIfindex = null } = action;
      const move = to === undefined ? null : { namespace: arena.fds[to], newIfindex };
      return changeLink(ifindex, { ...NO_CHANGE, ...change }, move, action.do);
    }
    case "add-altname":
      return addAltname(ifindex, action.altname, action.do);
    case "delete-altname":
      return deleteAltname(ifindex, action.altname, action.do);
    case "add-address":
      return addAddress(ifindex, action.address, false, action.do);
    case "replace-address":
      return addAddress(ifindex, action.address, true, action.do);
    case "delete-address":
      return deleteAddress(ifindex, action.address, action.do);
    case "delete":
      return linkMessage.request(RTM_DELLINK, 0, { ifi_index: ifindex }, {}, action.do);
  }
}

/**
 * Left out is what the kernel does in its own time: operational states, addresses that it makes itself, and
 * whether duplicate address detection is over.
 */
function seen(connection: Connection): Sight[Side] {
  return readDevices(connection).flatMap(({ ifindex }) => {
    const snapshot = readSnapshot(connection, ifindex, 0);
    if (snapshot === null) return [];
    const addresses = snapshot.addresses
      .filter((address) => !isKernelMade(address, snapshot.device) && snapshot.device.name !== "lo")
      .map((address) => ({ ...address, flags: address.flags & ~0x40 }));
    return [{ device: { ...snapshot.device, operstate: "" }, addresses }];
  });
}
