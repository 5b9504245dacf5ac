import type { Attachment } from "../../../src/domain/attachment.ts";
import type { Journal } from "../../../src/engine/journal.ts";
import type { Machine } from "../model/daemon.ts";
import type { Link } from "../model/links.ts";
import type { Namespace } from "../model/namespaces.ts";
import { type Seen, seenOf } from "../model/picture.ts";

/** A device of the host as this side knows it, whatever netdevd makes of it. */
export interface Known {
  readonly link: Link;
  /** What it was called at first, for messages. */
  readonly label: string;
  /** What it may be at home: the newest last, and before that what it was while something was under way. */
  pictures: Seen[];
  /** Its ifindex when it was last seen at home and free. */
  ifindex: number;
  /** Why it may be anywhere and anything by now, or nowhere; null: it has to be accounted for. */
  fate: string | null;
  /** Somebody inside has changed it since it came there. */
  isMeddledWith: boolean;
  /** The namespace that a container made and moved it on from, to that of another one. */
  leftBy: Namespace | null;
  /** It has been told that something of it could not be put back. */
  isToldChanged: boolean;
}

/** All devices of the host, and which Attachment has which. */
export interface Ledger {
  readonly known: Map<Link, Known>;
  /** The device `at` of an Attachment, by `KEY/at`. */
  readonly taken: Map<string, Link>;
  /** Every ifindex at home that others have had. */
  readonly othersNumbers: Set<number>;
}

/** A ledger of what is at home now, lo aside. */
export function openLedger(machine: Machine): Ledger {
  const ledger: Ledger = { known: new Map(), taken: new Map(), othersNumbers: new Set() };
  for (const link of machine.home.links.values()) if (link.name !== "lo") enter(ledger, machine, link);
  return ledger;
}

/** Notes a device that is new at home. */
export function enter(ledger: Ledger, { world }: Machine, link: Link): void {
  const pictures = [seenOf(world, link)];
  const { ifindex, name: label } = link;
  ledger.known.set(link, {
    link,
    label,
    pictures,
    ifindex,
    fate: null,
    isMeddledWith: false,
    leftBy: null,
    isToldChanged: false,
  });
}

/** Whether a device is anywhere. */
export function exists(link: Link): boolean {
  return link.namespace.links.get(link.ifindex) === link;
}

/** A Journal from which the ledger learns which devices are taken. */
export function learningJournal(journal: Journal, ledger: Ledger, { home }: Machine): Journal {
  return {
    ...journal,
    add(attachment) {
      journal.add(attachment);
      // Put on record anew, as after a full disk: its devices have been taken long since.
      if (attachment.state !== "attaching") return;
      for (const [at, { snapshot }] of attachment.devices.entries()) {
        // One that has just vanished may have been looked at before.
        const { ifindex } = snapshot.device;
        const vanished = Array.from(ledger.known.values()).findLast((known) => known.ifindex === ifindex);
        const there = home.links.get(ifindex);
        // Put on record late, it may have left its number to another one; to one of ours that came home where its own was taken.
        const { name, mac } = snapshot.device;
        const isAnother =
          there !== undefined &&
          (ledger.known.has(there)
            ? there.name !== name && there.mac !== mac
            : there.name !== name || there.mac !== mac);
        const link = isAnother ? vanished?.link : (there ?? vanished?.link);
        if (link !== undefined) ledger.taken.set(`${attachment.key}/${at}`, link);
        const known = link === undefined ? undefined : ledger.known.get(link);
        if (link === undefined || known === undefined || link.namespace !== home) continue;
        known.isMeddledWith = false;
        for (const upper of ledger.known.values()) {
          const endsWithIt = upper.link.lower === link && upper.link.kind === "vxlan";
          if (endsWithIt && upper.link.namespace === home)
            giveUp(ledger, upper, "what it is built on was forced");
        }
      }
    },
  };
}

/** What an Attachment has of the ledger's devices and has not brought home, by its place in the Attachment. */
export function heldBy(ledger: Ledger, { key, devices }: Attachment): Map<number, Known> {
  const held = new Map<number, Known>();
  for (const [at, { state }] of devices.entries()) {
    const link = ledger.taken.get(`${key}/${at}`);
    const known = link === undefined ? undefined : ledger.known.get(link);
    if (known !== undefined && state !== "home") held.set(at, known);
  }
  return held;
}

/** The devices of Attachments that are away or on their way. */
export function heldDevices(ledger: Ledger, attachments: readonly Attachment[]): Set<Known> {
  return new Set(attachments.flatMap((one) => Array.from(heldBy(ledger, one).values())));
}

/** A device and what does not outlive it (its peer, what is built on it) need not be accounted for any more. */
export function giveUp(ledger: Ledger, one: Known, why: string): void {
  if (one.fate !== null) return;
  one.fate = why;
  for (const other of ledger.known.values()) {
    const hangsOn = other.link.peer === one.link || other.link.lower === one.link;
    if (hangsOn) giveUp(ledger, other, why);
  }
}

/** Does something, and lays whatever is gone thereafter to its charge. */
export function explained(ledger: Ledger, why: string, deed: () => void): void {
  const there = Array.from(ledger.known.values()).filter(({ link }) => exists(link));
  try {
    deed();
  } finally {
    for (const known of there) if (!exists(known.link)) known.fate ??= why;
  }
}
