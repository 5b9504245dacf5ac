import { type Context, Hono } from "hono";
import type { ListedDevice } from "./devices.ts";
import type { EventStream } from "./event-stream.ts";
import { EXPOSITION_TYPE, expositionText, type Family } from "./exposition.ts";
import { isLocalHost } from "./local-host.ts";
import { openApiDocument } from "./openapi.ts";
import { page } from "./page.ts";
import { PAGE_POLICY } from "./page-assets.ts";
import type { Status } from "./status.ts";

/** Whether the daemon does all it is there for, and if not, why: a sentence for each reason. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** What the HTTP interface reads from the daemon. */
export interface StatusSource {
  readonly version: string;
  status(): Status;
  readiness(): Readiness;
  devices(): Promise<readonly ListedDevice[]>;
  metrics(): readonly Family[];
  readonly events: Pick<EventStream, "open">;
  /** Takes a fault that a request ran into; the client is told no more than that there was one. */
  report(fault: Error): void;
}

/** The read-only HTTP interface as a hono app, bound to nothing: `app.request("/healthz")` asks it. */
export function createApp(source: StatusSource): Hono {
  const app = new Hono({ getPath: pathOf });

  app.use(async (c, next) => {
    await next();
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Cache-Control", "no-store");
  });

  app.use(async (c, next) => {
    const host = c.req.header("Host");
    // Browsers always send one. Without it are HTTP/1.0, some clients of unix sockets, and app.request().
    if (host === undefined || host === "" || isLocalHost(host)) return next();
    const message = `the Host ${JSON.stringify(host)} is not local; ask for http://localhost/`;
    return refusal(c, 403, "host-not-local", message);
  });

  app.use(async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return next();
    c.header("Allow", "GET, HEAD");
    return refusal(c, 405, "method-not-allowed", `${c.req.method} changes nothing here; use GET`);
  });

  app.get("/healthz", (c) => c.text("ok"));

  app.get("/readyz", (c) => {
    const readiness = source.readiness();
    return c.json(readiness, readiness.ready ? 200 : 503);
  });

  app.get("/v1/status", (c) => c.json(source.status()));

  app.get("/v1/containers/:id", (c) => {
    const id = c.req.param("id");
    // While an id's former devices are on their way home it may be listed twice; the last is what it has now.
    const container = source.status().containers.findLast((candidate) => candidate.id === id);
    if (container !== undefined) return c.json(container);
    return refusal(c, 404, "unknown-container", `no device is held for a container ${JSON.stringify(id)}`);
  });

  app.get("/v1/devices", async (c) => c.json(await source.devices()));

  app.get("/v1/events", (c) => {
    const stream = source.events.open(c.req.header("Last-Event-ID") ?? null);
    if (stream !== null) return c.body(stream, 200, { "Content-Type": "text/event-stream" });
    return refusal(c, 503, "too-many-readers", "too many read /v1/events already; end one of them");
  });

  app.get("/metrics", (c) =>
    c.body(expositionText(source.metrics()), 200, { "Content-Type": EXPOSITION_TYPE }),
  );

  app.get("/openapi.json", (c) => c.json(openApiDocument(source.version)));

  app.get("/", async (c) => {
    c.header("Content-Security-Policy", PAGE_POLICY);
    c.header("Referrer-Policy", "no-referrer");
    const devices = await devicesIfAny(source);
    return c.html(page({ status: source.status(), readiness: source.readiness(), devices, now: Date.now() }));
  });

  app.notFound((c) => refusal(c, 404, "not-found", `nothing is served at ${c.req.path}`));

  app.onError((fault, c) => {
    source.report(fault);
    return refusal(c, 500, "internal", "the request ran into a fault; the daemon's log has it");
  });

  return app;
}

/** null where they cannot be listed just now: a person has to see what is stuck all the same. */
async function devicesIfAny(source: StatusSource): Promise<readonly ListedDevice[] | null> {
  try {
    return await source.devices();
  } catch (fault) {
    source.report(fault instanceof Error ? fault : new Error(String(fault)));
    return null;
  }
}

/** The body of every answer that is no success, shaped as the errors of verdicts are. */
function refusal(c: Context, status: 403 | 404 | 405 | 500 | 503, code: string, message: string): Response {
  return c.json({ error: { code, message } }, status);
}

/** Bun's `Request.url` is a path without an origin where the Host is missing or no host at all. */
function pathOf(request: Request): string {
  return new URL(request.url, "http://localhost").pathname;
}
