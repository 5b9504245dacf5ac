import { type Attachment, namespacesOf } from "../../../src/domain/attachment.ts";
import { type Daemon, startDaemon } from "../model/daemon.ts";
import { createFuse, unevenKernel } from "../model/faults.ts";
import { attachmentsOf } from "../model/memory-journal.ts";
import { pinOf } from "../model/pins.ts";
import { integer, pick, type Random } from "../model/random.ts";
import { advance } from "../model/world.ts";
import { ALLOW, bundlesOf } from "./bundles.ts";
import { giveUp, heldDevices, type Known, learningJournal } from "./ledger.ts";
import { MAPPINGS } from "./mappings.ts";
import { hand, logged, type Stage, tell } from "./stage.ts";
import { count } from "./tally.ts";
import { endTroubles, troubledJournal, troubledPins, troubledSystem } from "./troubles.ts";

/** What becomes of the daemon, and what goes wrong around it. */

/** The daemon is killed; by and by another one is started, which may be killed at one of its effects. */
export async function killDaemon(stage: Stage, random: Random): Promise<void> {
  stop(stage);
  if (integer(random, 3) > 0) await start(stage);
}

/** The daemon is killed when it is about to have one of its next effects. */
export async function restartFused(stage: Stage, random: Random): Promise<void> {
  stop(stage);
  await start(stage, 1 + integer(random, 40));
}

/** A daemon is started if none runs. */
export async function start(stage: Stage, effects?: number): Promise<void> {
  if (stage.daemon !== null) return;
  const { machine, troubles, tally } = stage;
  const fuse = createFuse(effects);
  stage.fuse = fuse;
  tell(stage, effects === undefined ? "a daemon starts" : `a daemon starts, for ${effects} effects`);
  try {
    const daemon = await startDaemon(machine, {
      fuse,
      get mappings() {
        return stage.mappings;
      },
      bundles: bundlesOf(() => stage.allow),
      kernel: (kernel) => unevenKernel(kernel, stage.shuffle),
      system: (system) => troubledSystem(system, troubles, tally),
      journal: (journal) => learningJournal(troubledJournal(journal, troubles, tally), stage.ledger, machine),
      pins: (pins) => troubledPins(pins, troubles, tally),
      onLog: (level, message, fields) => logged(stage, level, message, fields),
    });
    if (fuse.isBurnt) {
      daemon[Symbol.dispose]();
      count(tally, "daemons killed while they recovered");
      tell(stage, "the daemon is killed while it recovers");
      return;
    }
    stage.daemon = daemon;
    for (const entry of Array.from(stage.spool.open)) hand(stage, daemon, entry);
  } catch (error) {
    // As the service manager sees it: it did not start, and is tried again.
    tell(stage, `the daemon does not start: ${error}`);
    count(tally, "daemons that did not start");
  }
}

/** Whether the daemon has died by its fuse; it is taken off the stage then. */
export function bury(stage: Stage): void {
  if (stage.daemon === null || !stage.fuse.isBurnt) return;
  tell(stage, `the daemon is killed in the middle, after ${stage.fuse.effects} effects`);
  count(stage.tally, "daemons killed in the middle of their work");
  die(stage, stage.daemon);
}

/** The daemon is killed now. */
export function stop(stage: Stage): void {
  if (stage.daemon === null) return;
  const isBusy = stage.spool.open.size > 0;
  tell(stage, `the daemon is killed after ${stage.fuse.effects} effects`);
  count(stage.tally, isBusy ? "daemons killed with events under way" : "daemons killed while idle");
  die(stage, stage.daemon);
}

/** What nobody keeps from here on, or could find again, need not be accounted for any more. */
function die(stage: Stage, daemon: Daemon): void {
  const { ledger, machine } = stage;
  stage.daemon = null;
  // Before it is dead: then it is gone.
  const attachments = attachmentsOf(machine.rows);
  for (const known of heldDevices(ledger, attachments)) {
    const why = whyLost(stage, known, attachments);
    if (why !== null) giveUp(ledger, known, why);
  }
  daemon[Symbol.dispose]();
}

function whyLost(
  { machine, troubles }: Stage,
  { link, pictures }: Known,
  attachments: readonly Attachment[],
): string | null {
  const { namespace, mac } = link;
  const { files, processes } = machine.world;
  const isOwn = attachments.some(({ cookie }) => cookie === String(namespace.cookie));
  if (namespace === machine.home || files.has(pinOf(namespace))) return null;
  if (troubles.pinsHaveFailed) return "was in a namespace without a pin, as was told";
  if (isOwn) return null;
  const isInhabited = Array.from(processes.values()).some((process) => process.namespace === namespace);
  if (!isInhabited) return "was moved on just now to where nobody else is";
  const isOnRecord = attachments.some((one) => namespacesOf(one).includes(String(namespace.cookie)));
  const isKnown = pictures.some(({ device }) => device.mac === mac);
  return isOnRecord || isKnown ? null : "was moved on just now, with another MAC than it had";
}

/** Some turns pass, or all that is under way comes to its end. */
export async function wait(stage: Stage, random: Random): Promise<void> {
  const turns = integer(random, 3) === 0 ? Number.POSITIVE_INFINITY : integer(random, 60);
  if (Number.isFinite(turns)) for (let left = turns; left > 0; left--) await Promise.resolve();
  else await settle(stage);
}

/** Until nothing is under way any more, or the daemon is dead. */
export async function settle({ daemon, fuse }: Stage): Promise<void> {
  if (daemon !== null) await Promise.race([daemon.settle(), fuse.burnt]);
}

export function timePasses(stage: Stage, random: Random): void {
  const milliseconds = integer(random, 3000);
  tell(stage, `${milliseconds} ms pass`);
  advance(stage.machine.world, milliseconds);
}

export function retry(stage: Stage): void {
  const engine = stage.daemon?.engine;
  const tried = engine?.retryStuck().then(engine.audit);
  void tried?.catch((error) => {
    if (!stage.fuse.isBurnt) stage.faults.push(`trying again failed: ${error}`);
  });
}

/** Somebody sets the clock. */
export function setClock(stage: Stage, random: Random): void {
  const by = pick(random, [-3_600_000, -1000, 1000, 3_600_000]);
  tell(stage, `the clock is set by ${by / 1000} s`);
  count(stage.tally, "clocks set");
  stage.machine.world.bootedAt += by;
}

export function reload(stage: Stage, random: Random): void {
  stage.mappings = pick(random, MAPPINGS.any);
  stage.allow = pick(random, ALLOW.any);
  stage.asked.clear();
  const names = stage.mappings.map(({ name }) => name).join(", ") || "no mappings";
  const allow =
    stage.allow === null ? "bundles are not read" : `allow ${stage.allow.join(", ") || "nothing"}`;
  tell(stage, `the config is reloaded: ${names}; ${allow}`);
  count(stage.tally, "configs reloaded");
}

/** The kernel refuses some of the requests that are to come. */
export function refuseRequests(stage: Stage, random: Random): void {
  const of = integer(random, 3) === 0 ? "questions" : "changes";
  // What the kernel says for want of memory or permission; ENODEV and the like would be lies.
  const code =
    of === "questions"
      ? pick(random, ["ENOMEM", "EPERM", "ENOBUFS", "EBUSY"] as const)
      : pick(random, ["ENOMEM", "EPERM", "EBUSY", "EINVAL", "EOPNOTSUPP", "EADDRINUSE", "EEXIST"] as const);
  const refusals = { of, code, after: integer(random, 12), times: pick(random, [1, 1, 2, 5]) } as const;
  tell(stage, `${refusals.times} ${of} after the next ${refusals.after} are refused with ${code}`);
  stage.troubles.refusals.push({ ...refusals });
}

export function failCalls(stage: Stage, random: Random): void {
  const calls = { after: integer(random, 4), times: pick(random, [1, 1, 5]) };
  tell(stage, `${calls.times} system calls after the next ${calls.after} fail`);
  Object.assign(stage.troubles.calls, calls);
}

export function fillDisk(stage: Stage, random: Random): void {
  const { troubles } = stage;
  if (integer(random, 3) === 0) troubles.pinsFail = true;
  else troubles.journalIsFull = true;
  tell(stage, troubles.journalIsFull ? "the disk is full" : "nothing can be mounted");
  count(stage.tally, "disks full");
}

export function endAllTroubles(stage: Stage): void {
  tell(stage, "all troubles end");
  endTroubles(stage.troubles);
}
