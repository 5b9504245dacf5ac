import type { Config } from "../config/config.ts";
import type { Engine } from "../engine/engine.ts";
import type { Kernel } from "../engine/kernel.ts";
import type { Log } from "../engine/log.ts";
import type { StatusSource } from "../http/app.ts";
import { devicesOf } from "../http/devices.ts";
import type { EventStream } from "../http/event-stream.ts";
import { metricsOf } from "../http/metrics.ts";
import { statusOf } from "../http/status.ts";
import { FAULT_KINDS, type Health } from "./health.ts";
import type { History } from "./history.ts";
import type { Measures } from "./measures.ts";
import { processFacts } from "./process-facts.ts";

/** What of a daemon is told to readers. */
export interface ToldParts {
  readonly version: string;
  readonly commit: string | null;
  readonly configFile: string;
  /** What is in force, and since when: CLOCK_REALTIME, milliseconds. */
  readonly inForce: () => { readonly config: Config; readonly loadedAt: number };
  readonly isStopping: () => boolean;
  readonly engine: Engine;
  readonly kernel: Pick<Kernel, "inventory">;
  readonly health: Health;
  readonly measures: Measures;
  readonly history: Pick<History, "all">;
  readonly events: EventStream;
  readonly log: Log;
}

/** What the HTTP interface reads, from the parts of a daemon. */
export function statusSource(parts: ToldParts): StatusSource {
  const { engine, health, measures, events, log } = parts;
  const reasons = () => (parts.isStopping() ? ["the daemon is stopping"] : health.reasons(engine));

  function status() {
    const { config, loadedAt } = parts.inForce();
    return statusOf({
      version: parts.version,
      state: parts.isStopping() ? "stopping" : reasons().length > 0 ? "degraded" : "ready",
      config,
      configFile: parts.configFile,
      configLoadedAt: loadedAt,
      attachments: engine.attachments(),
      waiting: engine.waiting(),
      counters: measures.outcomes(),
      history: parts.history.all(),
    });
  }

  return {
    version: parts.version,
    status,
    readiness: () => ({ ready: reasons().length === 0, reasons: reasons() }),
    async devices() {
      const attachments = engine.attachments();
      const away = attachments.flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device));
      return devicesOf(await parts.kernel.inventory(away), attachments);
    },
    metrics: () =>
      metricsOf({
        status: status(),
        attachments: engine.attachments(),
        commit: parts.commit,
        bun: Bun.version,
        faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, health.has(kind)])),
        logLines: measures.logLines(),
        attach: measures.attach(),
        homecoming: measures.homecoming(),
        readers: events.readers(),
        dropped: events.dropped(),
        process: processFacts(),
      }),
    events,
    report: (fault) => log("error", `HTTP: ${fault.stack ?? fault.message}`, { code: "internal" }),
  };
}
