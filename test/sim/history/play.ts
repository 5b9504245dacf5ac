import { addDevice, emptyMachine, furnish, KINDS } from "../../unit/engine/host.ts";
import { createFuse } from "../model/faults.ts";
import { integer, pick, type Random, randomFrom } from "../model/random.ts";
import { accounts, leftovers } from "./accounts.ts";
import { ALLOW } from "./bundles.ts";
import { endContainer, isAlive, unmount } from "./container-deeds.ts";
import { bury, settle, start, stop } from "./daemon-deeds.ts";
import { type History, perform } from "./history.ts";
import { removeStranger } from "./home-deeds.ts";
import { endOneNested } from "./inside-deeds.ts";
import { openLedger } from "./ledger.ts";
import { MAPPINGS } from "./mappings.ts";
import { createSpool } from "./spool.ts";
import { disown, type Stage, tell } from "./stage.ts";
import { count, type Tally } from "./tally.ts";
import { endTroubles, noTroubles } from "./troubles.ts";

/** What came of a history: what is wrong, and how it came to that. */
export interface Outcome {
  readonly faults: readonly string[];
  readonly trace: readonly string[];
}

/**
 * Plays a history, and then twice has all troubles end and everything come to rest: once with the containers that
 * still live, and once without any. Both times every device has to be accounted for.
 */
export async function play(history: History, tally: Tally): Promise<Outcome> {
  const stage = await setUp(history, tally);
  try {
    for (const action of history.actions) {
      bury(stage);
      await perform(stage, action);
    }
    await rest(stage);
    stage.faults.push(...accounts(stage));
    if (stage.faults.length === 0) {
      await endAll(stage);
      await rest(stage);
      stage.faults.push(...accounts(stage), ...leftovers(stage));
    }
  } catch (error) {
    stage.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    stop(stage);
  }
  count(tally, "histories");
  count(tally, "events", stage.spool.entries.length);
  return { faults: stage.faults, trace: stage.trace };
}

async function setUp({ seed }: History, tally: Tally): Promise<Stage> {
  const random = randomFrom(seed ^ 0x5eed);
  const machine = emptyMachine(seed);
  const { world, home } = machine;
  if (integer(random, 8) === 0) world.monitorCapacity = 1 + integer(random, 8);
  for (let at = 0; at < 2 + integer(random, 3); at++) {
    const link = addDevice(world, home, pick(random, KINDS), `d${at}`);
    if (integer(random, 4) > 0) furnish(world, link);
  }
  const stage: Stage = {
    machine,
    ledger: openLedger(machine),
    spool: createSpool(),
    troubles: noTroubles(),
    tally,
    trace: [],
    containers: [],
    nested: [],
    strangers: new Set(),
    owners: new Map(),
    asked: new Map(),
    unheld: new Set(),
    faults: [],
    shuffle: randomFrom(seed ^ 0xf00d),
    mappings: MAPPINGS.first,
    allow: ALLOW.first,
    daemon: null,
    fuse: createFuse(),
    meant: new Map(),
    dropped: 0,
  };
  // Nobody but the containers of a history is to be at home: an event that names home is refused.
  world.files.set("/run/netns/home", home);
  await start(stage, firstFuse(random));
  return stage;
}

function firstFuse(random: Random): number | undefined {
  return integer(random, 4) === 0 ? 1 + integer(random, 40) : undefined;
}

/** Nothing goes wrong any more, a daemon runs, and what it can do is done. */
async function rest(stage: Stage): Promise<void> {
  bury(stage);
  tell(stage, "all troubles end, and everything comes to rest");
  endTroubles(stage.troubles);
  if (Number.isFinite(stage.fuse.limit)) stop(stage);
  await start(stage);
  for (let round = 0; round < 2; round++) {
    await settle(stage);
    await stage.daemon?.retry();
  }
  await settle(stage);
}

/** No container is left, and nobody is in the way. */
async function endAll(stage: Stage): Promise<void> {
  const { containers, machine, nested, strangers } = stage;
  tell(stage, "all containers end");
  for (const stranger of Array.from(strangers)) removeStranger(stage, stranger);
  // All that was moved on has been followed by now.
  for (const process of nested) if (process.namespace !== null) endOneNested(stage, process, true);
  disown(stage, null);
  for (const container of containers) {
    if (isAlive(container)) endContainer(stage, container);
    if (container.path !== null) unmount(stage, container.path);
  }
  await settle(stage);
  // Whoever was named by a path ends by word alone.
  await stage.daemon?.engine.handle({ type: "release", name: "release-all", id: null });
  for (const file of ["/run/netns/home", "/etc/hostname"]) machine.world.files.delete(file);
}
