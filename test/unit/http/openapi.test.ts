import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type * as v from "valibot";
import { CODES } from "../../../src/domain/verdict.ts";
import { createApp, type Readiness, type StatusSource } from "../../../src/http/app.ts";
import type { ListedDevice } from "../../../src/http/devices.ts";
import { createEventStream } from "../../../src/http/event-stream.ts";
import type { Occurrence } from "../../../src/http/occurrence.ts";
import type { occurrenceSchema } from "../../../src/http/occurrence-schema.ts";
import { openApiDocument } from "../../../src/http/openapi.ts";
import type { listedDeviceSchema, readinessSchema, statusSchema } from "../../../src/http/schemas.ts";
import { type Status, statusOf } from "../../../src/http/status.ts";
import { readOpenApi } from "../../helpers/openapi.ts";
import { parseServerSentEvents } from "../../helpers/server-sent-events.ts";
import { attachment, facts } from "./facts.ts";

const problem = { code: "stuck", message: "ens4 is still inside", device: "ens4" } as const;
const device: ListedDevice = {
  name: "ens4",
  ifindex: 4,
  altnames: ["enp1s0"],
  mac: "02:00:00:00:00:04",
  permanent_mac: null,
  pci: "0000:01:00.0",
  driver: "igb",
  pf: null,
  kind: null,
  state: "away",
  holder: { containers: ["trainer-7"], mapping: "trainer", name: "eth1" },
  guards: [{ rule: "default-route", liftable: true, reason: "carries a default route" }],
};

function sourceOf(changes: Partial<StatusSource> = {}): StatusSource {
  return {
    version: "1.2.3",
    status: () =>
      statusOf({
        ...facts([{ ...attachment, warnings: [problem], error: problem }]),
        history: [
          { at: 0, container: "c1", mapping: "trainer", device: "d0", outcome: "home", warnings: [] },
          { at: 1, container: "c1", mapping: "trainer", device: "d1", outcome: "gone", warnings: [problem] },
        ],
      }),
    readiness: () => ({ ready: true, reasons: [] }),
    devices: async () => [device],
    metrics: () => [],
    events: { open: () => null },
    report: () => undefined,
    ...changes,
  };
}

async function documentOf(app: ReturnType<typeof createApp>): Promise<unknown> {
  const response = await app.request("/openapi.json");
  expect(response.headers.get("Content-Type")).toStartWith("application/json");
  return await response.json();
}

test("the document is one, by the OpenAPI Initiative's own schema of 3.1", async () => {
  const document = await documentOf(createApp(sourceOf()));
  expect(document).toMatchObject({ openapi: "3.1.1", info: { title: "netdevd", version: "1.2.3" } });
  const validator = new Validator();
  expect(await validator.validate(Object(document))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("it has every path that is served, and no others", () => {
  const served = createApp(sourceOf())
    .routes.filter(({ method }) => method === "GET")
    .map(({ path }) => path.replace(":id", "{id}"));
  expect(readOpenApi(openApiDocument("1")).paths).toEqual(served);
});

describe("the answer that the document says:", () => {
  const api = readOpenApi(openApiDocument("1"));

  test.each([
    ["/readyz", "/readyz", {}],
    ["/readyz", "/readyz", { readiness: (): Readiness => ({ ready: false, reasons: ["a"] }) }],
    ["/v1/status", "/v1/status", {}],
    ["/v1/containers/{id}", "/v1/containers/trainer-7", {}],
    ["/v1/containers/{id}", "/v1/containers/nobody", {}],
    ["/v1/devices", "/v1/devices", {}],
    ["/v1/events", "/v1/events", {}],
    ["/openapi.json", "/openapi.json", {}],
    [
      "/v1/devices",
      "/v1/devices",
      {
        devices: async () => {
          throw new Error("broken");
        },
      },
    ],
  ] as const)("%s, of %s %p", async (path, asked, changes) => {
    const response = await createApp(sourceOf(changes)).request(asked);
    expect(api.whyNot(path, response.status, await response.json())).toBeNull();
  });

  test("a request that is refused", async () => {
    for (const init of [{ method: "POST" }, { headers: { Host: "rebound.example.com" } }]) {
      const response = await createApp(sourceOf()).request("/v1/status", init);
      expect(api.whyNot("/v1/status", response.status, await response.json())).toBeNull();
    }
  });

  test("another is none", () => {
    const status = statusOf(facts([attachment]));
    expect(api.whyNot("/v1/status", 200, { ...status, state: "odd" })).toContain("/state");
    expect(api.whyNot("/v1/status", 200, { ...status, more: 1 })).toContain("additional");
    const { counters: _, ...less } = status;
    expect(api.whyNot("/v1/status", 200, less)).toContain("counters");
    expect(api.whyNoneOf("Problem", { ...problem, code: "odd" })).toContain("/code");
  });

  test.each(CODES)("a problem of code %s", (code) =>
    expect(api.whyNoneOf("Problem", { ...problem, code })).toBeNull(),
  );

  const OCCURRENCES: Occurrence[] = [
    {
      type: "failed",
      event: "e",
      id: null,
      outcome: "failed",
      mapping: null,
      devices: [{ host_name: "ens4", name: "eth1", ifindex: 2 }],
      warnings: [problem],
      error: problem,
    },
    {
      type: "stuck",
      containers: ["a"],
      mapping: "m",
      devices: [{ host_name: "ens4", name: "eth1", state: "stuck" }],
      problem,
    },
    { type: "warning", message: "m", code: null, container: "a", device: null, mapping: null },
    { type: "started", version: "1" },
    { type: "ready" },
    { type: "degraded", reasons: ["a"] },
    { type: "reload", taken: false, reason: "a" },
    { type: "stopping" },
  ];

  test.each(OCCURRENCES)("of an event $type", async (occurrence) => {
    const events = createEventStream();
    events.tell(occurrence);
    events.end();
    const response = await createApp(sourceOf({ events })).request("/v1/events", {
      headers: { "Last-Event-ID": "0" },
    });
    const told = parseServerSentEvents(await response.text()).events;
    expect(told.map(({ type }) => type)).toEqual(["missed", occurrence.type]);
    for (const { data } of told) expect(api.whyNoneOf("Occurrence", JSON.parse(data))).toBeNull();
  });
});

/** Compiles as long as a schema takes all that a type has, and no more than it. */
const SAME: readonly [
  (value: Status) => v.InferOutput<typeof statusSchema>,
  (value: v.InferOutput<typeof statusSchema>) => Status,
  (value: ListedDevice) => v.InferOutput<typeof listedDeviceSchema>,
  (value: v.InferOutput<typeof listedDeviceSchema>) => ListedDevice,
  (value: Readiness) => v.InferOutput<typeof readinessSchema>,
  (value: v.InferOutput<typeof readinessSchema>) => Readiness,
  (value: Occurrence & { readonly time: string }) => v.InferOutput<typeof occurrenceSchema>,
] = [
  (value) => value,
  (value) => value,
  (value) => value,
  (value) => value,
  (value) => value,
  (value) => value,
  (value) => value,
];

test("the schemas are of the types that the answers have", () => {
  for (const same of SAME) expect(same).toBeFunction();
});
