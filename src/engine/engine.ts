import type { Attachment } from "../domain/attachment.ts";
import type { SpoolEvent } from "../domain/event.ts";
import type { Mappings } from "../domain/mappings.ts";
import type { Outcome, Verdict } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import type { WayHomeEnd } from "../domain/way-home.ts";
import { type Aftercare, type AftercareParts, createAftercare } from "./aftercare.ts";
import type { Bundles } from "./asked.ts";
import { attach } from "./attach.ts";
import { audit } from "./audit.ts";
import type { Context } from "./context.ts";
import type { Kernel } from "./kernel.ts";
import type { Log } from "./log.ts";
import { type Departed, departed, seekAgain, seekAll } from "./moved-on.ts";
import { createMutex } from "./mutex.ts";
import { recover } from "./recovery.ts";
import type { Registry } from "./registry.ts";
import { createRetries } from "./retries.ts";
import { exited, release, stopped } from "./return.ts";
import { thrown, verdict } from "./verdicts.ts";
import { createWaits, type Patience, type WaitClock } from "./waits.ts";

/** What an engine is made of; all effects and all time come in here. */
export interface EngineParts extends WaitClock {
  readonly kernel: Kernel;
  readonly registry: Registry;
  readonly log: Log;
  /** Left out or null: nobody else acts on devices at home. */
  readonly aftercare?: AftercareParts | null;
  /** The mappings in force; asked anew for each event. */
  readonly mappings: () => Mappings;
  /** Left out or null: nothing is asked of bundles. */
  readonly bundles?: Bundles | null;
  /** Told once of each device that has come home or is no more, when that is on record. Must not throw. */
  readonly wayHomeEnded?: ((end: WayHomeEnd) => void) | undefined;
}

/** Turns events into verdicts, and keeps the promise that every device comes home. */
export interface Engine {
  /** Takes up what an earlier daemon left; to be awaited before the first event. */
  recover(): Promise<void>;
  /** Carries out an event after those of the same id that came before it. Never rejects. */
  handle(event: SpoolEvent): Promise<Verdict>;
  /** A process that the kernel's side watched has ended; resolves when what follows has been done. */
  exited(watch: number): Promise<void>;
  /** Tries again what could not be done: to bring home what is stuck. See {@link Retries.retry}. */
  retryStuck(): Promise<void>;
  /** A device has left a namespace that is held; see `departed`. Never rejects. */
  departed(news: Departed): Promise<void>;
  /** Devices may have left a namespace that is held, and nobody has told where to. Never rejects. */
  departuresLost(from: string): Promise<void>;
  /** Looks whether hardware is still in the containers that it was moved to; see `audit`. Never rejects. */
  audit(): Promise<void>;
  /** Devices at home have changed: what waits for one looks again. */
  homeChanged(): void;
  /** Resolves when what has come home has been looked at once more, udev having settled. */
  lookedAfter(): Promise<void>;
  attachments(): readonly Attachment[];
  /** The containers that wait for devices. */
  waiting(): readonly Waiting[];
  /** Does not answer the events that wait: the next daemon finds them claimed, and takes them up. */
  leaveWaiting(): void;
  /** Whether devices are inside, or on their way, for this container. */
  isHolder(id: string): boolean;
  /** How many events came to which outcome since the start. */
  counters(): Readonly<Record<Outcome, number>>;
  /** Resolves when nothing is under way any more but waiting for devices. */
  idle(): Promise<void>;
}

/** An engine that has not done anything yet. */
export function createEngine(parts: EngineParts): Engine {
  const context: Context = {
    ...parts,
    bundles: parts.bundles ?? null,
    choosing: createMutex(),
    following: createMutex(),
    told: new Map(),
    waits: createWaits(parts),
    underWay: new Map(),
    joining: new Set(),
    unreachable: new Set(),
    landing: new Map(),
    standIns: new Set(),
    heldOn: new Map(),
    astray: new Set(),
    lookedAfter: new Map(),
    unexamined: new Set(),
    leftPinned: new Set(),
    processes: new Map(),
    endedEarly: new Set(),
    cameHome: (device, home, fields) => aftercare?.begin(device, home, fields),
    wayHomeEnded: (end) => parts.wayHomeEnded?.(end),
    exited: (watch) =>
      exited(context, watch).catch((error) => {
        context.log("error", `the end of a container was not dealt with: ${error}`, { code: "internal" });
      }),
  };
  const aftercare: Aftercare | null = parts.aftercare ? createAftercare(context, parts.aftercare) : null;
  const retries = createRetries(context);
  const notLookedAt = (error: unknown) => {
    const { message, code } = thrown(error, null);
    context.log("error", `what is inside was not looked at: ${message}`, { code });
  };
  const queues = new Map<string, Promise<unknown>>();
  const counters = { attached: 0, unchanged: 0, returned: 0, "no-mapping": 0, refused: 0, failed: 0 };

  /** After whatever else concerns the same id. */
  function inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const result = (queues.get(id) ?? Promise.resolve()).then(work);
    const turn = result
      .catch(() => undefined)
      .finally(() => {
        if (queues.get(id) === turn) queues.delete(id);
      });
    queues.set(id, turn);
    return result;
  }

  async function carryOut(event: SpoolEvent, patience: Patience | null): Promise<Verdict> {
    using _patience = patience;
    try {
      return await dispatch(context, event, patience);
    } catch (error) {
      const problem = thrown(error, null);
      const { message, code } = problem;
      context.log("error", message, { container: event.id ?? "", event: event.name, code });
      // The system refuses to be looked at before anything is touched; what comes later is seen to where it does.
      return verdict(event, code === "internal" ? "failed" : "refused", { error: problem });
    }
  }

  return {
    async recover() {
      await recover(context);
      aftercare?.resume();
    },
    async handle(event) {
      const { id } = event;
      const attaches = event.type === "container" && event.status !== "stopped";
      const patience = attaches ? context.waits.begin(event) : null;
      // Before its turn, which may come after a wait that it is to end.
      if (!attaches) context.waits.endFor(event);
      const work = () => carryOut(event, patience);
      const result = id === null ? await work() : await inTurn(id, work);
      counters[result.outcome] += 1;
      return result;
    },
    exited: context.exited,
    retryStuck: retries.retry,
    departed: (news) => departed(context, news).catch(notLookedAt),
    departuresLost: (from) => seekAll(context, from).catch(notLookedAt),
    audit: () =>
      audit(context)
        .then(() => seekAgain(context))
        .catch(notLookedAt),
    homeChanged: context.waits.changed,
    lookedAfter: async () => aftercare?.looked(),
    attachments: () => context.registry.all(),
    waiting: context.waits.list,
    leaveWaiting: context.waits.abandon,
    isHolder: (id) => context.registry.ofHolder(id).length > 0,
    counters: () => counters,
    async idle() {
      for (;;) {
        const turns = Array.from(queues).filter(([id]) => !context.waits.isAsleep(id));
        const busy = [...turns.map(([, turn]) => turn), ...context.underWay.values()];
        if (busy.length === 0) return;
        await Promise.race([Promise.allSettled(busy), context.waits.nextSleep()]);
      }
    },
  };
}

async function dispatch(context: Context, event: SpoolEvent, patience: Patience | null): Promise<Verdict> {
  if (event.type === "release") return release(context, event);
  if (patience === null) return stopped(context, event);
  if (event.target !== null) return attach(context, event, event.target, patience);
  const message = `${event.status} needs a pid or a netns`;
  return verdict(event, "refused", { error: { code: "invalid-event", message, device: null } });
}
