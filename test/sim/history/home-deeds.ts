import type { Qdisc } from "../../../src/domain/qdisc.ts";
import { addDevice, addProven, address, change, furnish, KINDS, slotOf } from "../../unit/engine/host.ts";
import { addLink, deleteLink, type Link } from "../model/links.ts";
import { attachmentsOf } from "../model/memory-journal.ts";
import { linkNamed } from "../model/namespaces.ts";
import { addNeighbour } from "../model/neighbours.ts";
import { seenOf } from "../model/picture.ts";
import { integer, pick, type Random } from "../model/random.ts";
import { addRoute } from "../model/routes.ts";
import { addAltname, deleteAltname } from "../model/set-link.ts";
import { anyRoute, neighbour } from "./belongings.ts";
import { allowed } from "./inside-deeds.ts";
import { enter, exists, explained, heldDevices, type Known } from "./ledger.ts";
import { type Stage, tell } from "./stage.ts";
import { count } from "./tally.ts";

/** What happens on the host itself meanwhile. */

/** Names of devices that are away, and of those that are not. */
const NAMES = ["d0", "d1", "d2", "eth0", "netdevd0", "d0-second", "d5"] as const;
/** What has no MAC is known by its name alone, and that of a stand-in is ours to give. */
const OTHERS_NAMES = NAMES.filter((name) => !name.startsWith("netdevd"));

const BRIDGE = "br0";
const SETTINGS = ["ipv4.rp_filter", "ipv4.proxy_arp", "ipv6.accept_ra", "ipv4.neigh.app_solicit"] as const;
const QDISCS: readonly (Qdisc | null)[] = [null, { kind: "tbf", handle: 0x80020000, options: "00ee" }];

/** Whoever runs the host changes a device that is free. */
export function changeAtHome(stage: Stage, random: Random): void {
  const { world } = stage.machine;
  const known = anyFree(stage, random);
  if (known === null) return;
  const { link } = known;
  const deeds: Record<string, () => void> = {
    renamed: () => change(world, link, { name: pick(random, link.mac === null ? OTHERS_NAMES : NAMES) }),
    "given another MAC": () => change(world, link, { mac: `02:00:00:00:02:0${integer(random, 10)}` }),
    "given an alias": () => change(world, link, { alias: "another one", txqueuelen: 55 }),
    "set down": () => change(world, link, { up: false }),
    "set up": () => change(world, link, { up: true }),
    "given an altname": () => addAltname(link, pick(random, NAMES)),
    "robbed of an altname": () => deleteAltname(link, link.altnames[0] ?? ""),
    "given an address": () => addProven(world, link, address(`198.51.100.${integer(random, 5)}`, 24)),
    "given a route": () => addRoute(link.namespace, link, anyRoute(random)),
    "robbed of its routes": () => void link.routes.splice(0),
    "given a neighbour": () => addNeighbour(link, neighbour(integer(random, 5))),
    "given a setting": () => void link.sysctls.set(pick(random, SETTINGS), integer(random, 3)),
    "given a qdisc": () => void Object.assign(link, { qdisc: pick(random, QDISCS) }),
    "made a port": () => join(stage, random, link),
  };
  const deed = pick(random, Object.keys(deeds));
  tell(stage, `${link.name} at home is ${deed}`);
  count(stage.tally, `at home: ${deed}`);
  allowed(() => deeds[deed]?.());
  const picture = seenOf(world, link);
  // What is under way may have looked at it before.
  known.pictures = stage.spool.open.size > 0 ? [...known.pictures, picture] : [picture];
}

/** A bridge at home takes a device in; it is made where there is none. */
function join({ machine, tally }: Stage, random: Random, link: Link): void {
  const { home, world } = machine;
  if (link.lower !== null) return;
  const bridge = linkNamed(home, BRIDGE) ?? addLink(world, home, { name: BRIDGE, kind: "bridge" });
  change(world, link, { master: bridge.ifindex });
  const settings = { cost: integer(random, 100), learning: integer(random, 2) };
  for (const [setting, value] of Object.entries(settings)) link.port.set(setting, value);
  count(tally, "at home: bridged");
}

/** The bridge goes; its ports are ports no more. */
export function removeBridge({ ledger, machine, spool, tally, trace }: Stage): void {
  const bridge = linkNamed(machine.home, BRIDGE);
  if (bridge === null) return;
  trace.push(`${BRIDGE} goes`);
  count(tally, "at home: bridges gone");
  const ports = Array.from(ledger.known.values()).filter(({ link }) => link.master === bridge);
  deleteLink(machine.world, bridge);
  for (const known of ports) {
    const picture = seenOf(machine.world, known.link);
    known.pictures = spool.open.size > 0 ? [...known.pictures, picture] : [picture];
  }
}

/** A device is unplugged or deleted, wherever it is. */
export function vanish(stage: Stage, random: Random): void {
  const { ledger, machine, tally } = stage;
  const there = Array.from(ledger.known.values()).filter(({ link }) => exists(link));
  if (there.length === 0) return;
  const { link } = pick(random, there);
  const isHome = link.namespace === machine.home;
  tell(stage, `${link.name} vanishes ${isHome ? "at home" : "inside"}`);
  count(tally, isHome ? "at home: vanished" : "inside: vanished");
  explained(ledger, "vanished", () => deleteLink(machine.world, link));
}

/** A device is plugged in. */
export function appear(stage: Stage, random: Random): void {
  const { ledger, machine } = stage;
  const { home, world } = machine;
  const before = new Set(home.links.values());
  const name = pick(random, ["d0", "d1", "d2", "d3"]);
  count(stage.tally, "at home: appeared");
  tell(stage, `${name} appears at home`);
  allowed(() => {
    // No card comes into a slot that another one is in, wherever that is by now.
    const kinds = isInItsSlot(stage, name) ? KINDS.filter((kind) => kind !== "hardware") : KINDS;
    const link = addDevice(world, home, pick(random, kinds), name);
    allowed(() => furnish(world, link));
  });
  for (const link of home.links.values()) {
    if (before.has(link)) continue;
    const isTaken = isLikeAnother(stage, link);
    enter(ledger, machine, link);
    const known = ledger.known.get(link);
    if (known !== undefined && isTaken) known.fate = "is taken for the one that was there before";
    ledger.othersNumbers.add(link.ifindex);
  }
}

function isInItsSlot({ machine }: Stage, name: string): boolean {
  const links = machine.world.namespaces.flatMap((namespace) => Array.from(namespace.links.values()));
  return links.some(({ parentDev }) => parentDev === slotOf(name));
}

/**
 * A tun has no MAC, and is known by its name where nobody holds on to its number; and a card whose MAC is made up
 * anew each time, as a VF's is, by its place.
 */
function isLikeAnother({ ledger }: Stage, { mac, name, parentDev }: Link): boolean {
  return Array.from(ledger.known.values()).some(({ link, pictures }) =>
    parentDev === null
      ? mac === null && link.mac === null && pictures.some(({ device }) => device.name === name)
      : link.parentDev === parentDev,
  );
}

/** Somebody makes a device that has a name or an ifindex which another one will want. */
export function strangerComes(stage: Stage, random: Random): void {
  const { ledger, machine, strangers, tally } = stage;
  const { home, world } = machine;
  const name = pick(random, NAMES);
  const numbers = Array.from(ledger.known.values(), ({ ifindex }) => ifindex);
  const ifindex = numbers.length === 0 ? 0 : pick(random, numbers);
  const spec = home.links.has(ifindex) || ifindex === 0 || integer(random, 2) === 0 ? {} : { ifindex };
  allowed(() => {
    const link = addLink(world, home, { name, kind: "ifb", ...spec });
    ledger.othersNumbers.add(link.ifindex);
    strangers.add(link);
    tell(stage, `a stranger takes ${name}, number ${link.ifindex}`);
    count(tally, "at home: names taken");
  });
}

/** A stranger goes, or calls itself something else. */
export function strangerGoes(stage: Stage, random: Random): void {
  const { machine, strangers } = stage;
  const [stranger] = strangers;
  if (stranger === undefined) return;
  if (integer(random, 3) === 0) {
    tell(stage, `the stranger ${stranger.name} is renamed`);
    allowed(() => change(machine.world, stranger, { name: pick(random, NAMES) }));
    return;
  }
  removeStranger(stage, stranger);
}

/** A stranger goes. */
export function removeStranger({ machine, strangers, trace }: Stage, stranger: Link): void {
  trace.push(`the stranger ${stranger.name} goes`);
  strangers.delete(stranger);
  deleteLink(machine.world, stranger);
}

/** A device at home that is nobody's and on which no other is built. */
function anyFree(stage: Stage, random: Random): Known | null {
  const { ledger, machine } = stage;
  const held = heldDevices(ledger, attachmentsOf(machine.rows));
  const free = Array.from(ledger.known.values()).filter(
    (known) => exists(known.link) && known.link.namespace === machine.home && !held.has(known),
  );
  return free.length === 0 ? null : pick(random, free);
}
