import { addProven, address, change } from "../../unit/engine/host.ts";
import { flush } from "../model/addresses.ts";
import { addNamespace } from "../model/lifetime.ts";
import { addLink, deleteLink, type Link } from "../model/links.ts";
import { attachmentsOf } from "../model/memory-journal.ts";
import { addNeighbour } from "../model/neighbours.ts";
import { type Process, reap, spawn } from "../model/processes.ts";
import { integer, pick, type Random } from "../model/random.ts";
import { Refusal } from "../model/refusal.ts";
import { addRoute } from "../model/routes.ts";
import { addAltname, deleteAltname } from "../model/set-link.ts";
import { anyRoute, neighbour } from "./belongings.ts";
import { exists, explained, giveUp, heldBy, type Known } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { disown, tell } from "./stage.ts";
import { count } from "./tally.ts";

/** What containers do with the devices that they have: as they like. */

/** Names that meet those of the host's devices and those wanted inside. */
const NAMES = ["d0", "d1", "eth0", "eth1", "net0", "d0-second", "d2-second"] as const;

/** Something of a device is changed. */
export function meddle(stage: Stage, random: Random): void {
  const { world } = stage.machine;
  const link = anyInside(stage, random);
  if (link === null) return;
  const deeds: Record<string, () => void> = {
    renamed: () => change(world, link, { name: pick(random, NAMES) }),
    "given another MAC": () => change(world, link, { mac: `02:00:00:00:01:0${integer(random, 10)}` }),
    "given another MTU": () => change(world, link, { mtu: pick(random, [1000, 1280, 1350]) }),
    "set down": () => change(world, link, { up: false, txqueuelen: 5, group: 3, alias: "mine" }),
    "given an altname": () => addAltname(link, pick(random, NAMES)),
    "robbed of an altname": () => deleteAltname(link, link.altnames[0] ?? ""),
    "given an address": () => addProven(world, link, address(`192.0.2.${integer(random, 5)}`, 24)),
    "robbed of its addresses": () => flush(link),
    "given a route": () => addRoute(link.namespace, link, anyRoute(random)),
    "given a neighbour": () => addNeighbour(link, neighbour(integer(random, 5))),
    "given a setting": () => void link.sysctls.set("ipv4.rp_filter", integer(random, 3)),
    "given a qdisc": () =>
      void Object.assign(link, { qdisc: { kind: "fq", handle: 0x80030000, options: "" } }),
  };
  const deed = pick(random, Object.keys(deeds));
  tell(stage, `${link.name} in namespace ${link.namespace.cookie} is ${deed}`);
  count(stage.tally, `inside: ${deed}`);
  for (const known of stage.ledger.known.values()) {
    // The kernel takes what is built on it along: an MTU, say.
    if (known.link === link || known.link.lower === link) known.isMeddledWith = true;
  }
  allowed(() => explained(stage.ledger, `${deed} inside`, () => deeds[deed]?.()));
}

/** `ip link delete`. */
export function deleteInside(stage: Stage, random: Random): void {
  const link = anyInside(stage, random);
  if (link === null || link.kind === null) return;
  tell(stage, `${link.name} in namespace ${link.namespace.cookie} is deleted`);
  count(stage.tally, "inside: deleted");
  explained(stage.ledger, "deleted inside", () => deleteLink(stage.machine.world, link));
}

/** A namespace within, as a container in a container has it, gets a device; or gives it back. */
export function nest(stage: Stage, random: Random): void {
  const { machine, nested } = stage;
  const { world } = machine;
  const back = nested.flatMap(linksOf);
  if (back.length > 0 && integer(random, 2) === 0) {
    const link = pick(random, back);
    const living = stage.containers.filter(({ process }) => process.namespace !== null);
    if (living.length === 0) return;
    const target = pick(random, living).netns;
    tell(stage, `${link.name} is moved from a nested namespace to namespace ${target.cookie}`);
    const from = link.namespace;
    allowed(() => change(world, link, { target }));
    const known = stage.ledger.known.get(link);
    if (known !== undefined && link.namespace === target) known.leftBy = from;
    return;
  }
  const link = anyInside(stage, random);
  if (link === null) return;
  const process = nested.find(({ namespace }) => namespace !== null) ?? spawn(world, addNamespace(world));
  if (!nested.includes(process)) nested.push(process);
  const target = process.namespace;
  if (target === null) return;
  tell(stage, `${link.name} in namespace ${link.namespace.cookie} is moved on to namespace ${target.cookie}`);
  count(stage.tally, "inside: moved on");
  const known = stage.ledger.known.get(link);
  allowed(() => change(world, link, { target }));
  if (known === undefined || link.namespace !== target) return;
  known.isMeddledWith = true;
  // What nobody has seen going is known there by its MAC alone. Whoever is seen going is followed whatever it has by
  // then: that is shown elsewhere, for here a daemon may be killed before it sees anything.
  const hasKeptMac = link.mac !== null && known.pictures.some(({ device }) => device.mac === link.mac);
  if (!hasKeptMac) giveUp(stage.ledger, known, "was moved on under another MAC");
}

function isOnRecordWhereItIs({ ledger, machine }: Stage, link: Link): boolean {
  const { cookie } = link.namespace;
  return attachmentsOf(machine.rows).some((attachment) =>
    attachment.devices.some(
      ({ movedTo }, at) =>
        ledger.taken.get(`${attachment.key}/${at}`) === link &&
        (movedTo ?? attachment.cookie) === String(cookie),
    ),
  );
}

/** The container within ends. */
export function endNested(stage: Stage, random: Random): void {
  const living = stage.nested.filter(({ namespace }) => namespace !== null);
  if (living.length > 0) endOneNested(stage, pick(random, living));
}

/**
 * What keeps a nested namespace ends, and with it what virtual devices it has.
 *
 * @param isHeld unless it is held for those
 */
export function endOneNested(stage: Stage, process: Process, isHeld = false): void {
  tell(stage, `the nested namespace ${process.namespace?.cookie} ends`);
  const there = linksOf(process);
  const end = () => reap(stage.machine.world, process);
  for (const known of stage.ledger.known.values()) {
    // It was not looked for in time, and the only way to where it is leads through here.
    if (known.leftBy === process.namespace && !isOnRecordWhereItIs(stage, known.link))
      giveUp(stage.ledger, known, "was moved on from a namespace that has ended");
  }
  if (isHeld) {
    for (const known of leftToTheirContainers(stage))
      if (there.includes(known.link)) giveUp(stage.ledger, known, "was left in a nested namespace");
    end();
  } else explained(stage.ledger, "was in a nested namespace that ended", end);
  // What the kernel has sent home by itself keeps the number that it came with.
  for (const link of there) {
    const known = stage.ledger.known.get(link);
    if (known === undefined || link.namespace !== stage.machine.home) continue;
    known.ifindex = link.ifindex;
    // Its container has it no more, by its own doing.
    disown(stage, null);
  }
}

/** Of which `on_exit` says that they are not to come home. */
function leftToTheirContainers({ ledger, machine }: Stage): Known[] {
  const left = attachmentsOf(machine.rows).filter(({ onExit }) => onExit === "leave");
  return left.flatMap((attachment) =>
    Array.from(heldBy(ledger, attachment))
      .filter(([at]) => attachment.devices[at]?.ofBundle !== true)
      .map(([, known]) => known),
  );
}

/** A container makes a device of its own, which has a name that others want. */
export function makeInside(stage: Stage, random: Random): void {
  const living = stage.containers.filter(({ process }) => process.namespace !== null);
  if (living.length === 0) return;
  const { netns } = pick(random, living);
  const name = pick(random, NAMES);
  tell(stage, `${name} is made in namespace ${netns.cookie}`);
  count(stage.tally, "inside: made");
  allowed(() => addLink(stage.machine.world, netns, { name, kind: "ifb" }));
}

/** Carries out what the kernel may refuse. */
export function allowed(deed: () => void): void {
  try {
    deed();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

function linksOf({ namespace }: Process): Link[] {
  return Array.from(namespace?.links.values() ?? []).filter(({ name }) => name !== "lo");
}

/** A device that came from the host, or now and then one that the container made; null: none is there. */
function anyInside(stage: Stage, random: Random): Link | null {
  const links = stage.containers.flatMap(({ process }) => linksOf(process));
  const ours = links.filter((link) => exists(link) && stage.ledger.known.has(link));
  const choice = ours.length > 0 && integer(random, 6) > 0 ? ours : links;
  return choice.length === 0 ? null : pick(random, choice);
}
