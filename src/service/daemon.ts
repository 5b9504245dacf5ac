import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { namespacesOf } from "../domain/attachment.ts";
import { indexed } from "../domain/mappings.ts";
import type { Engine } from "../engine/engine.ts";
import { createEngine } from "../engine/engine.ts";
import type { KernelNews } from "../engine/kernel.ts";
import type { Log } from "../engine/log.ts";
import { createRegistry } from "../engine/registry.ts";
import { createApp } from "../http/app.ts";
import { createEventStream } from "../http/event-stream.ts";
import { addressLabel, type HttpServer, listen } from "../http/listen.ts";
import { bundlesBy } from "./bundles.ts";
import { clock } from "./clock.ts";
import type { FdStore } from "./fd-store.ts";
import { PINS } from "./folders.ts";
import { createFootprint } from "./footprint.ts";
import { createHealth, type Health } from "./health.ts";
import { startKernel } from "./kernel-client.ts";
import { createObserver } from "./observer.ts";
import { openState } from "./open-state.ts";
import { type AnswerListener, type SpoolLoop, startSpoolLoop } from "./spool-loop.ts";
import { statusLine } from "./status-line.ts";
import { statusSource } from "./status-source.ts";
import { watchedRegistry } from "./watched-registry.ts";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly config: Config;
  /** The main file that the config was read from. */
  readonly configFile: string;
  readonly version: string;
  /** The commit that it was built from or is a checkout of; null: not known. */
  readonly commit: string | null;
  readonly log: Log;
  /** Where the service manager holds namespaces for us; null: they are pinned by mounts. */
  readonly store: FdStore | null;
  /** Something may have changed of what the status tells. */
  readonly onChange: () => void;
  /** The kernel's side is gone: nothing can be moved any more, and only a new start helps. */
  readonly onFatal: (error: Error) => void;
}

/** A running daemon. Disposing stops it: devices stay where they are, and the next start adopts them. */
export interface Daemon extends AsyncDisposable {
  readonly listening: readonly string[];
  /** Puts other mappings in force for what comes from now on; true: more has changed, and needs a new start. */
  reconfigure(config: Config): boolean;
  /** Tells that a new config was not taken, or with null that the one in force is the newest. */
  configFailed(reason: string | null): void;
  /** How things are in one line. */
  statusLine(): string;
  /** Resolves once the kernel's thread and the journal have answered; rejects where one cannot. */
  prove(): Promise<void>;
}

/** How long events that are under way may take to end when the daemon is stopped. */
const STOP_LIMIT_MS = 8000;
/** A device that is stuck is tried again this often: what is in its way may have gone. */
const RETRY_MS = 5000;

/**
 * Starts the daemon in the network namespace that this process is in, which is home. The state folder's
 * lock has to be held.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const events = createEventStream();
  const observer = createObserver(options.log, clock, events.tell);
  const { log } = observer;
  let { config } = options;
  let mappings = indexed(config.mappings);
  let loadedAt = Date.now();
  let stopping = false;
  const health = createHealth(log);
  await using parts = new AsyncDisposableStack();

  events.tell({ type: "started", version: options.version });
  const kernelNews: KernelNews[] = [];
  let engine: Engine | null = null;
  const client = parts.use(
    await startKernel(
      { folder: join(config.daemon.state, PINS), store: options.store },
      (news) => {
        if (engine === null) kernelNews.push(news);
        else void take(engine, health, news).then(options.onChange);
      },
      options.onFatal,
    ),
  );
  const state = await openState(config.daemon.state, client.kernel, log, [
    ...(options.store?.held.keys() ?? []),
  ]);
  const journal = parts.use(state.journal);
  const registry = createRegistry(journal, (error) => {
    const reason = `the journal cannot be written: ${error?.message}; see to the state folder ${config.daemon.state}`;
    health.fault("journal", error === null ? null : reason);
  });
  const running = createEngine({
    kernel: client.kernel,
    registry: watchedRegistry(registry, observer.changed),
    log,
    ...observer.clock,
    aftercare: state.aftercare,
    wayHomeEnded: observer.wayHomeEnded,
    mappings: () => mappings,
    bundles: bundlesBy(() => config),
  });
  engine = running;
  const app = createApp(
    statusSource({
      ...options,
      inForce: () => ({ config, loadedAt }),
      isStopping: () => stopping,
      engine: running,
      kernel: client.kernel,
      health,
      measures: observer.measures,
      history: observer.history,
      events,
      log,
    }),
  );
  await running.recover();
  observer.look({ waiting: running.waiting, reasons: () => health.reasons(running) });
  await state.tidyPins(running.attachments().flatMap(namespacesOf));
  for (const news of kernelNews.splice(0)) void take(running, health, news).then(options.onChange);
  const retry = setInterval(() => void running.retryStuck().then(running.audit), RETRY_MS);
  parts.defer(() => clearInterval(retry));
  const server: HttpServer = parts.use(
    await listen(app.fetch, config.http.listen, { group: config.http.group }),
  );
  parts.defer(events.end);
  const footprint = parts.use(createFootprint());
  const answered: AnswerListener = (verdict, duration) => {
    observer.answered(verdict, duration);
    footprint.worked();
    options.onChange();
  };
  const spool: SpoolLoop = parts.use(startSpoolLoop(config, running, health, answered, log));
  const lifetime = parts.move();
  return {
    listening: server.addresses.map(addressLabel),
    reconfigure(next) {
      const more = !Bun.deepEquals([next.daemon, next.http], [config.daemon, config.http]);
      config = { ...next, daemon: config.daemon, http: config.http };
      mappings = indexed(config.mappings);
      loadedAt = Date.now();
      events.tell({ type: "reload", taken: true, reason: null });
      return more;
    },
    configFailed(reason) {
      if (reason !== null) events.tell({ type: "reload", taken: false, reason });
      health.fault("config", reason);
    },
    statusLine: () => statusLine(running.attachments(), config.mappings.length, health.reasons(running)),
    async prove() {
      await client.kernel.homeCookie();
      journal.check();
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      observer.look(null);
      events.tell({ type: "stopping" });
      spool.pause();
      running.leaveWaiting();
      await Promise.race([running.idle(), Bun.sleep(STOP_LIMIT_MS)]);
      await lifetime.disposeAsync();
    },
  };
}

async function take(engine: Engine, health: Health, news: KernelNews): Promise<void> {
  if (news.type === "exit") return engine.exited(news.watch);
  if (news.type === "home-changed") {
    engine.homeChanged();
    return engine.retryStuck();
  }
  if (news.type === "departed") return engine.departed(news);
  if (news.type === "departures-lost") return engine.departuresLost(news.from);
  const threads = news.threads.join(", ");
  health.fault(
    "stray",
    `threads ${threads} of this process were found in a container's namespace and hold it; restart netdevd: attachments live on`,
  );
}
