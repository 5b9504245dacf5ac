import { describe, expect, test } from "bun:test";
import { createApp, type Readiness, type StatusSource } from "../../../src/http/app.ts";
import { createEventStream } from "../../../src/http/event-stream.ts";
import type { Status, StatusContainer } from "../../../src/http/status.ts";
import { parseServerSentEvents } from "../../helpers/server-sent-events.ts";

function container(id: string, changes: Partial<StatusContainer> = {}): StatusContainer {
  return {
    id,
    pid: 4711,
    netns: null,
    mapping: "trainer",
    state: "attached",
    since: "2026-11-23T12:34:56.789Z",
    devices: [],
    warnings: [],
    error: null,
    ...changes,
  };
}

function statusWith(containers: readonly StatusContainer[]): Status {
  const config = { file: "/c", loaded_at: "", spool: "/s", results: "/r", state: "/j", mappings: [] };
  return { version: "1.2.3", state: "ready", config, containers, counters: {}, history: [] };
}

const NO_EVENTS: StatusSource["events"] = { open: () => null };

interface Fixture {
  readonly containers?: readonly StatusContainer[];
  readonly readiness?: Readiness;
  readonly fault?: Error;
  readonly events?: StatusSource["events"];
}

function appOf({
  containers = [],
  readiness = { ready: true, reasons: [] },
  fault,
  events = NO_EVENTS,
}: Fixture = {}) {
  const reported: Error[] = [];
  const source: StatusSource = {
    version: "1.2.3",
    status: () => {
      if (fault !== undefined) throw fault;
      return statusWith(containers);
    },
    readiness: () => readiness,
    devices: async () => [],
    events,
    metrics: () => [
      { type: "gauge", name: "netdevd_ready", help: "Ready.", samples: [{ labels: {}, value: 1 }] },
    ],
    report: (error) => reported.push(error),
  };
  return { app: createApp(source), reported };
}

describe("routes", () => {
  test("/healthz is ok", async () => {
    const response = await appOf().app.request("/healthz");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("ok");
  });

  test("/readyz is 200 when ready", async () => {
    const response = await appOf().app.request("/readyz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ready: true, reasons: [] });
  });

  test("/readyz is 503 with the reasons when not", async () => {
    const readiness = { ready: false, reasons: ["ens4 of trainer-7 is stuck"] };
    const response = await appOf({ readiness }).app.request("/readyz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual(readiness);
  });

  test("/v1/status is the status as JSON", async () => {
    const containers = [container("a"), container("b")];
    const response = await appOf({ containers }).app.request("/v1/status");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toStartWith("application/json");
    expect(await response.json()).toEqual(statusWith(containers));
  });

  test("/metrics is the text that Prometheus reads, and says so", async () => {
    const response = await appOf().app.request("/metrics");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toBe(
      "# HELP netdevd_ready Ready.\n# TYPE netdevd_ready gauge\nnetdevd_ready 1\n",
    );
  });

  test.each(["plain", "a/b", "ü ñ", "50%", "%2F", "a?b#c", "a+b", '"<>', "..x", "%zz"])(
    "/v1/containers/{id} finds %p, percent-encoded",
    async (id) => {
      const { app } = appOf({ containers: [container("other"), container(id)] });
      const response = await app.request(`/v1/containers/${encodeURIComponent(id)}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(container(id));
    },
  );

  test("an id that is listed twice is told as it is now", async () => {
    const { app } = appOf({ containers: [container("a", { state: "returning" }), container("a")] });
    expect(await (await app.request("/v1/containers/a")).json()).toEqual(container("a"));
  });

  test("an unknown container is 404, and says which", async () => {
    const response = await appOf({ containers: [container("a")] }).app.request("/v1/containers/a%2Fb");
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: { code: "unknown-container", message: 'no device is held for a container "a/b"' },
    });
  });

  test.each(["/nothing", "/healthz/", "/v1/containers", "/v1/containers/a/b", "/v1/status/x"])(
    "%s is 404 in JSON",
    async (path) => {
      const response = await appOf().app.request(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        error: { code: "not-found", message: `nothing is served at ${path}` },
      });
    },
  );
});

describe("/v1/events", () => {
  test("is a stream, from the Last-Event-ID on", async () => {
    const events = createEventStream();
    events.tell({ type: "started", version: "1.2.3" });
    const { app } = appOf({ events });
    const headers = { "Last-Event-ID": "0" };
    const response = await app.request("/v1/events", { headers });
    events.end();
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const { events: told, retry } = parseServerSentEvents(await response.text());
    expect(retry).toBe(2000);
    expect(told.map(({ type }) => type)).toEqual(["missed", "started"]);
  });

  test("HEAD leaves no reader behind", async () => {
    const events = createEventStream();
    const response = await appOf({ events }).app.request("/v1/events", { method: "HEAD" });
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(await response.text()).toBe("");
    expect(events.readers()).toBe(0);
  });

  test("is 503 for whoever is one too many", async () => {
    const response = await appOf().app.request("/v1/events");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "too-many-readers" } });
  });

  test("is told to nobody whose Host is another site", async () => {
    const headers = { Host: "rebound.example.com" };
    const response = await appOf({ events: createEventStream() }).app.request("/v1/events", { headers });
    expect(response.status).toBe(403);
  });
});

describe("methods", () => {
  test.each(["/healthz", "/readyz", "/v1/status"])("HEAD %s is GET without a body", async (path) => {
    const { app } = appOf();
    const head = await app.request(path, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    expect(head.headers.get("Content-Type")).toBe((await app.request(path)).headers.get("Content-Type"));
  });

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s is 405 and names what is allowed",
    async (method) => {
      const response = await appOf().app.request("/v1/status", { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("Allow")).toBe("GET, HEAD");
      expect(await response.json()).toMatchObject({ error: { code: "method-not-allowed" } });
    },
  );
});

describe("the Host", () => {
  test.each(["localhost", "localhost:9469", "127.0.0.1:9469", "[::1]:9469", ""])(
    "%p is served",
    async (host) => {
      const response = await appOf().app.request("/healthz", { headers: { Host: host } });
      expect(response.status).toBe(200);
    },
  );

  test.each(["/healthz", "/v1/status", "/nothing"])("of another site is refused at %s", async (path) => {
    const { app } = appOf({ containers: [container("secret")] });
    const response = await app.request(path, { headers: { Host: "rebound.example.com:9469" } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: "host-not-local" } });
  });

  test("is looked at before the method", async () => {
    const init = { method: "POST", headers: { Host: "rebound.example.com" } };
    expect((await appOf().app.request("/v1/status", init)).status).toBe(403);
  });
});

describe("every answer", () => {
  test.each([
    ["/healthz", {}],
    ["/nothing", {}],
    ["/v1/status", { method: "POST" }],
    ["/v1/status", { headers: { Host: "rebound.example.com" } }],
  ] as const)("%s %p is neither sniffed nor stored", async (path, init) => {
    const { headers } = await appOf().app.request(path, init);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Cache-Control")).toBe("no-store");
  });

  test("a fault is reported whole, and told to the client as no more than one", async () => {
    const fault = new Error("the journal says /secret/path");
    const { app, reported } = appOf({ fault });
    const response = await app.request("/v1/status");
    expect(response.status).toBe(500);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: { code: "internal" } });
    expect(text).not.toContain("secret");
    expect(reported).toEqual([fault]);
  });
});
