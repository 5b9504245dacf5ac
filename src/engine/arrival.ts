import { type Device, type Identity, mayBe } from "../domain/device.ts";
import type { Place, Step } from "../domain/step.ts";
import type { Connection } from "../netlink/connection.ts";
import { onceMore } from "./kernel.ts";
import type { Connections, Places, Wanted } from "./locate.ts";
import { readDevice, readDeviceByName } from "./reader.ts";

/** The two namespaces that steps go between; null: the container's cannot be reached any more. */
export interface Ends {
  readonly connections: Connections;
  readonly files: Places["files"];
  /** Open fds of the namespaces, as destinations. */
  readonly fds: { readonly home: number; readonly inside: number | null };
  /** The ifindex that a device of home has got where it went; null: nobody has told. */
  departed(ifindex: number): number | null;
}

/** A device to act on: where it is, under which ifindex, and how it is known again after a move. */
export interface Subject {
  readonly place: Place;
  readonly ifindex: number;
  readonly name: string;
  readonly identity: Identity;
}

/**
 * The device where it has been moved to, by the name that it was given there.
 *
 * @param macIsProof false: whatever MAC it had by then
 */
export function arrived(
  ends: Ends,
  subject: Subject,
  to: Place,
  name: string,
  macIsProof: boolean,
): Subject | null {
  const device = onceMore(() => readDeviceByName(connectionOf(ends, to), name));
  if (device === null || device.name !== name || !mayBe(subject.identity, device, macIsProof)) return null;
  return subjectAt(subject, to, device);
}

function subjectAt({ identity }: Subject, place: Place, device: Device): Subject {
  const macs = [...identity.macs, device.mac];
  return { place, ifindex: device.ifindex, name: device.name, identity: { ...identity, macs } };
}

/**
 * Where the device is after a move that was refused: the kernel moves first, under the old name where that is
 * free, and may refuse what comes then.
 */
export function movedAllTheSame(
  ends: Ends,
  subject: Subject,
  step: Extract<Step, { type: "move" }>,
  name: string,
): Subject {
  const there = onceMore(() => readDevice(connectionOf(ends, subject.place), subject.ifindex));
  if (there !== null && mayBe(subject.identity, there, false)) return subject;
  const { to } = step;
  // Those inside may have a device of the same kind under either name: its number is told, where it left home.
  const number = to === "inside" ? ends.departed(subject.ifindex) : null;
  const numbered = number === null ? null : onceMore(() => readDevice(connectionOf(ends, to), number));
  if (numbered !== null && mayBe(subject.identity, numbered, false)) return subjectAt(subject, to, numbered);
  for (const called of [subject.name, name]) {
    const found = arrived(ends, subject, to, called, true);
    if (found !== null) return found;
  }
  return subject;
}

/** What a device is to be found by once steps have been carried out with it. */
export function wantedAfter(wanted: Wanted, { place, ifindex, identity }: Subject): Wanted {
  return place === "inside"
    ? { ...wanted, identity, insideIfindex: ifindex, guess: true }
    : { ...wanted, identity, homeIfindex: ifindex };
}

/** What to act by in a namespace; one that is not held is a fault of the caller's. */
export function connectionOf(ends: Ends, place: Place): Connection {
  const connection = ends.connections[place];
  if (connection === null) throw new Error("a step inside a namespace that is not held");
  return connection;
}
