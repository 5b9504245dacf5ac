import { addressKey } from "../../../src/domain/address.ts";
import { type Attachment, namespacesOf } from "../../../src/domain/attachment.ts";
import { differences } from "../../../src/domain/plan.ts";
import { listAddresses } from "../model/addresses.ts";
import type { Daemon } from "../model/daemon.ts";
import { attachmentsOf } from "../model/memory-journal.ts";
import { linkNamed } from "../model/namespaces.ts";
import { type Seen, seenOf, withoutNumber } from "../model/picture.ts";
import { pinOf } from "../model/pins.ts";
import { exists, heldBy, heldDevices, type Known } from "./ledger.ts";
import type { Stage } from "./stage.ts";

const OUTCOMES = ["attached", "unchanged", "returned", "no-mapping", "refused", "failed"];

/** All that is not as promised, now that everything has come to rest with a daemon that runs. */
export function accounts(stage: Stage): string[] {
  const { daemon } = stage;
  if (daemon === null) return ["no daemon runs"];
  const attachments = daemon.engine.attachments();
  const kept = attachmentsOf(stage.machine.rows);
  return [
    ...spoolFaults(stage),
    ...journalFaults(kept, attachments),
    ...attachments.flatMap((attachment) => attachmentFaults(stage, attachment, attachments)),
    ...ownerFaults(stage, attachments),
    ...homeFaults(stage, kept),
    ...holdFaults(stage, daemon, attachments),
  ];
}

/** What is still there though all containers have ended and nothing is in the way. */
export function leftovers(stage: Stage): string[] {
  const { daemon, machine } = stage;
  const attachments = daemon?.engine.attachments() ?? [];
  const found = attachments
    .filter(({ state }) => state !== "stuck")
    .map(({ key, state }) => `attachment ${key} is still ${state}`);
  if (attachments.length > 0) return found;
  if (machine.world.files.size > 0) found.push(`pins: ${Array.from(machine.world.files.keys()).join(" ")}`);
  if (machine.world.namespaces.length > 1)
    found.push(`${machine.world.namespaces.length} namespaces are left`);
  const open = daemon?.openCount() ?? 0;
  // Home, a socket there, and one that listens.
  if (open !== 3) found.push(`the daemon has ${open} files open`);
  return found;
}

function spoolFaults({ spool }: Stage): string[] {
  return spool.entries.flatMap(({ event, verdicts }) => {
    const [verdict] = verdicts;
    if (verdict === undefined || verdicts.length !== 1)
      return [`${event.name} has ${verdicts.length} verdicts`];
    const { error, warnings, outcome } = verdict;
    const faults = OUTCOMES.includes(outcome) ? [] : [`${event.name} came to ${outcome}`];
    if (verdict.event !== event.name || verdict.id !== event.id)
      faults.push(`${event.name} got another's verdict`);
    const isTold = (outcome === "refused" || outcome === "failed") === (error !== null);
    if (!isTold) faults.push(`${event.name} is ${outcome} with error ${JSON.stringify(error)}`);
    for (const problem of [...warnings, ...(error === null ? [] : [error])]) {
      if (problem.code === "internal") faults.push(`${event.name}: internal: ${problem.message}`);
      if (problem.message === "") faults.push(`${event.name}: ${problem.code} without a word`);
    }
    return faults;
  });
}

function journalFaults(kept: readonly Attachment[], attachments: readonly Attachment[]): string[] {
  const journalled = kept.toSorted((a, b) => a.key - b.key);
  const own = attachments.toSorted((a, b) => a.key - b.key);
  return Bun.deepEquals(journalled, own)
    ? []
    : [`the journal says ${JSON.stringify(journalled)}, not ${JSON.stringify(own)}`];
}

function attachmentFaults(
  stage: Stage,
  attachment: Attachment,
  attachments: readonly Attachment[],
): string[] {
  const { key, state, error, cookie } = attachment;
  if (state === "stuck") return stuckFaults(stage, attachment);
  if (state !== "attached") return [`attachment ${key} is ${state} at rest`];
  const faults = error === null ? [] : [`attachment ${key} is attached with error ${error.code}`];
  // Those of other mappings in the same namespace hold it as well.
  const inNamespace = attachments.filter((other) => other.cookie === cookie);
  if (inNamespace.every((other) => other.holders.every(({ ended }) => ended))) {
    faults.push(`attachment ${key} has no holder that lives`);
  }
  for (const [at, known] of heldBy(stage.ledger, attachment)) {
    const { link, label, fate, isMeddledWith } = known;
    if (fate !== null || isMeddledWith) continue;
    if (!exists(link) || String(link.namespace.cookie) !== cookie) {
      faults.push(`${label} is attached, and ${whereabouts(stage, known)}`);
      continue;
    }
    const { world } = stage.machine;
    const addresses = listAddresses(world, link);
    const now = { addresses, ingress: null, port: null, takenAt: world.now };
    const snapshot = { ...seenOf(world, link), ...now };
    const wanted = attachment.devices[at]?.wanted ?? snapshot;
    for (const difference of differences(snapshot, wanted))
      faults.push(`${label} is inside, and its ${difference}`);
  }
  return faults;
}

/** A device that is stuck has a reason that anybody can see, and says it. */
function stuckFaults(stage: Stage, attachment: Attachment): string[] {
  const { key, error, devices } = attachment;
  const faults: string[] = [];
  if (error?.code !== "stuck" || error.message === "")
    faults.push(`attachment ${key} is stuck without a word`);
  const held = Array.from(heldBy(stage.ledger, attachment));
  if (devices.every(({ state }) => state === "home"))
    faults.push(`attachment ${key} is stuck, and all its devices are home`);
  for (const [at, known] of held) {
    const name = devices[at]?.snapshot.device.name ?? "";
    if (known.fate === null && !isHindered(stage, known, name)) {
      faults.push(`${known.label} is stuck for no reason: ${error?.message}`);
    }
  }
  return faults;
}

/** Whether somebody else has a device's name, or it is out of everybody's reach. */
function isHindered({ machine }: Stage, { link }: Known, name: string): boolean {
  const other = linkNamed(machine.home, name);
  if (other !== null && other !== link) return true;
  return link.namespace !== machine.home && !machine.world.files.has(pinOf(link.namespace));
}

function ownerFaults({ owners }: Stage, attachments: readonly Attachment[]): string[] {
  return Array.from(owners).flatMap(([id, { container, devices, isHolderOfAll }]) => {
    const own = attachments.filter(({ holders }) =>
      holders.some((holder) => holder.id === id && !holder.ended),
    );
    if (own.length === 0) return [`${id} was told that it has its devices, and holds nothing`];
    const cookie = String(container.netns.cookie);
    const there = isHolderOfAll ? own : attachments.filter((one) => one.cookie === cookie);
    const names = there.flatMap((one) => one.devices.map(({ snapshot }) => snapshot.device.name));
    return devices
      .filter((name) => !names.includes(name))
      .map((name) => `${id} was told that it has ${name}, and is no holder of it`);
  });
}

/** Of the devices that nobody has. */
function homeFaults(stage: Stage, kept: readonly Attachment[]): string[] {
  const { machine, ledger } = stage;
  const held = heldDevices(ledger, kept);
  return Array.from(ledger.known.values()).flatMap((known) => {
    const { link, label, fate } = known;
    if (fate !== null || held.has(known)) return [];
    if (!exists(link) || link.namespace !== machine.home)
      return [`${label} is nobody's, and ${whereabouts(stage, known)}`];
    const now = seenOf(machine.world, link);
    const faults: string[] = [];
    if (!known.isToldChanged && !isOneOf(known.pictures, now)) {
      const [was, is] = [known.pictures.map(comparable), comparable(now)].map((one) => JSON.stringify(one));
      faults.push(`${label} is home, and not as it was:\n    was ${was}\n    is  ${is}`);
    }
    if (link.ifindex !== known.ifindex && !isNumberTaken(stage, known)) {
      faults.push(`${label} is home with number ${link.ifindex}, and ${known.ifindex} was free`);
    }
    // From here on this is what it is.
    const { ifindex } = link;
    Object.assign(known, { pictures: [now], ifindex, isMeddledWith: false, isToldChanged: false });
    return faults;
  });
}

/** Whether another one has had the ifindex of a device: one of others, or one that came home before it. */
function isNumberTaken({ ledger, machine }: Stage, { ifindex }: Known): boolean {
  return ledger.othersNumbers.has(ifindex) || machine.home.links.has(ifindex);
}

/**
 * Whether a device is as in one of its pictures. Of several changes while something was under way each may have been
 * made before it was looked at or thereafter: then each aspect of it is as in one of them.
 */
function isOneOf(pictures: readonly Seen[], now: Seen): boolean {
  const own = comparable(now);
  const all = pictures.map(comparable);
  if (all.some((picture) => Bun.deepEquals(picture, own))) return true;
  if (all.length <= 2) return false;
  const [aspects, ...others] = [own, ...all].map(({ device, ...rest }) =>
    Object.entries({ ...device, ...rest }),
  );
  return (aspects ?? []).every(([aspect, value]) =>
    others.some((other) => Bun.deepEquals(new Map<string, unknown>(other).get(aspect), value)),
  );
}

/**
 * Without what follows from where others are. The order of addresses counts so far as the first of an IPv4 subnet
 * is its primary one.
 */
function comparable(seen: Seen): Seen {
  const { device, addresses, ...rest } = withoutNumber(seen);
  const sorted = addresses.toSorted((a, b) => (addressKey(a) < addressKey(b) ? -1 : 1));
  return { ...rest, device: { ...device, operstate: "", linkNetnsid: null, link: null }, addresses: sorted };
}

function whereabouts({ machine }: Stage, { link }: Known): string {
  if (!exists(link)) return "is no more, and nobody deleted it";
  return link.namespace === machine.home
    ? `is home as ${link.name}`
    : `is in namespace ${link.namespace.cookie}`;
}

/** Nothing is held that nobody needs, and all that is needed is. */
function holdFaults({ machine }: Stage, daemon: Daemon, attachments: readonly Attachment[]): string[] {
  const needed = new Set(attachments.flatMap(namespacesOf));
  const held = daemon.heldCookies();
  const faults = held
    .filter((cookie) => !needed.has(cookie))
    .map((cookie) => `namespace ${cookie} is held for nobody`);
  if (new Set(held).size < held.length) faults.push(`namespaces are held twice: ${held.join(" ")}`);
  const pins = Array.from(machine.world.files.keys()).filter((file) => file.startsWith("/run/netdevd/"));
  for (const pin of pins) {
    if (!needed.has(pin.slice(pin.lastIndexOf("/") + 1))) faults.push(`${pin} is pinned for nobody`);
  }
  for (const { cookie, key, state } of attachments) {
    if (state === "attached" && !held.includes(cookie))
      faults.push(`attachment ${key} does not hold namespace ${cookie}`);
  }
  return faults;
}
