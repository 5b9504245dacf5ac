import { join } from "node:path";
import { createInterface } from "node:readline";
import { bootTime } from "../../ffi/process.ts";
import { type Attachment, namespacesOf } from "../../src/domain/attachment.ts";
import type { SpoolEvent } from "../../src/domain/event.ts";
import type { Mapping } from "../../src/domain/mapping.ts";
import { indexed } from "../../src/domain/mappings.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { bootId, openJournal } from "../../src/engine/journal.ts";
import { KernelService } from "../../src/engine/kernel-service.ts";
import { createLinux } from "../../src/engine/linux.ts";
import { localKernel } from "../../src/engine/local-kernel.ts";
import { pinsIn } from "../../src/engine/pins.ts";
import { createRegistry } from "../../src/engine/registry.ts";
import { clock } from "../../src/service/clock.ts";
import { Crash, createFuse, fusedKernel } from "../sim/model/faults.ts";
import { createInjector, type Effect, type Fault } from "./injector.ts";

/**
 * The real engine and the real kernel service on the real kernel, in a process of their own on the host of a
 * test, with seams through which faults enter. Takes orders as lines of JSON on stdin, and answers each.
 */

/** What the player is told. */
export type Order =
  | { readonly do: "start"; readonly mappings: readonly Mapping[]; readonly fault: Fault | null }
  | { readonly do: "handle"; readonly event: SpoolEvent; readonly fault: Fault | null }
  /** Takes in that processes have ended, and waits for what follows. */
  | { readonly do: "settle"; readonly fault: Fault | null }
  /** A while later: what is stuck is tried again. */
  | { readonly do: "retry" }
  | { readonly do: "kill" };

/** What it answers. */
export interface Answer {
  /** null: it was killed before it could tell, or nothing was to be told. */
  readonly verdict: Verdict | null;
  /** Or it has ended by itself, for it could not start. */
  readonly killed: boolean;
  readonly effects: readonly Effect[];
  readonly attachments: readonly Pick<Attachment, "state" | "error">[];
  readonly log: readonly string[];
  /** Something that no order should come to. */
  readonly fault: string | null;
}

const [, , state = ""] = process.argv;
/** How much later it is than the clock says, milliseconds. */
let skew = 0;
const stage: { daemon: Daemon | null } = { daemon: null };

type Daemon = ReturnType<typeof startDaemon>;

function startDaemon(mappings: readonly Mapping[], fault: Fault | null) {
  const fuse = createFuse();
  const injector = createInjector(fuse);
  injector.arm(fault);
  const log: string[] = [];
  const exits: Promise<void>[] = [];
  const inForce = indexed(mappings);
  const realPins = pinsIn(join(state, "pins"));
  const linux = createLinux();
  const service = new KernelService(
    injector.system(linux),
    (news) => {
      if (news.type === "exit") exits.push(engine.exited(news.watch));
      if (news.type === "departed") exits.push(engine.departed(news));
    },
    injector.pins(realPins),
  );
  const kernel = fusedKernel(localKernel(service), fuse);
  const owner = { bootId: bootId(), homeCookie: service.homeCookie() };
  const opened = openJournal(state, owner, realPins.list());
  const engine: Engine = createEngine({
    kernel,
    registry: createRegistry(injector.journal(opened.journal), () => undefined),
    log: (level, message) => log.push(`${level}: ${message}`),
    ...clock,
    uptime: () => bootTime() + skew,
    mappings: () => inForce,
  });
  return {
    engine,
    fuse,
    injector,
    log,
    async begin() {
      await engine.recover();
      if (opened.isWhole) await kernel.unpinOthers(engine.attachments().flatMap(namespacesOf));
    },
    async settle() {
      do {
        service.chase();
        service.reap();
        await Promise.all(exits.splice(0));
        await engine.idle();
      } while (exits.length > 0);
    },
    [Symbol.dispose]() {
      fuse.burn();
      service[Symbol.dispose]();
      linux.close(linux.homeFd);
      opened.journal[Symbol.dispose]();
    },
  };
}

async function carryOut(order: Order): Promise<Verdict | null> {
  const { daemon } = stage;
  switch (order.do) {
    case "start":
      stage.daemon = startDaemon(order.mappings, order.fault);
      await Promise.race([stage.daemon.begin(), stage.daemon.fuse.burnt]);
      return null;
    case "handle":
      daemon?.injector.arm(order.fault);
      return (await Promise.race([daemon?.engine.handle(order.event), daemon?.fuse.burnt])) ?? null;
    case "settle":
      daemon?.injector.arm(order.fault);
      await Promise.race([daemon?.settle(), daemon?.fuse.burnt]);
      return null;
    case "retry":
      daemon?.injector.arm(null);
      skew += 10_000;
      await daemon?.engine.retryStuck();
      return null;
    case "kill":
      daemon?.[Symbol.dispose]();
      stage.daemon = null;
      return null;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let verdict: Verdict | null = null;
  let fault: string | null = null;
  let ended = false;
  const order: Order = JSON.parse(line);
  try {
    verdict = await carryOut(order);
  } catch (error) {
    // A daemon that cannot start says so and ends: its service manager starts another one.
    ended = order.do === "start" && order.fault !== null;
    // Killed where nobody else catches it: on the kernel's thread, as it were.
    const isKilled = error instanceof Crash && stage.daemon?.fuse.isBurnt === true;
    if (!ended && !isKilled) fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { daemon } = stage;
  const answer: Answer = {
    verdict,
    killed: ended || (daemon?.fuse.isBurnt ?? false),
    effects: daemon?.injector.effects ?? [],
    attachments: (daemon?.engine.attachments() ?? []).map(({ state, error }) => ({ state, error })),
    log: daemon?.log ?? [],
    fault,
  };
  console.log(JSON.stringify(answer));
}
