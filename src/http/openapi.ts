import { toJsonSchemaDefs } from "@valibot/to-json-schema";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { occurrenceSchema } from "./occurrence-schema.ts";
import {
  containerSchema,
  errorSchema,
  guardSchema,
  homecomingSchema,
  listedDeviceSchema,
  problemSchema,
  readinessSchema,
  statusDeviceSchema,
  statusSchema,
} from "./schemas.ts";

const SCHEMAS = {
  Problem: problemSchema,
  Readiness: readinessSchema,
  Error: errorSchema,
  StatusDevice: statusDeviceSchema,
  Container: containerSchema,
  Homecoming: homecomingSchema,
  Status: statusSchema,
  Guard: guardSchema,
  Device: listedDeviceSchema,
  Occurrence: occurrenceSchema,
};

/** The OpenAPI 3.1 document of all paths, its schemas made of those that the answers are held to. */
export function openApiDocument(version: string): Readonly<Record<string, unknown>> {
  return {
    openapi: "3.1.1",
    info: {
      title: "netdevd",
      version,
      description:
        "What netdevd holds and what happens. Read only, on a unix socket and loopback; a request whose Host is not local is refused.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths: PATHS,
    components: {
      schemas: toJsonSchemaDefs(SCHEMAS, {
        target: "draft-2020-12",
        overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
        // What nobody changes is an array like any other to whoever reads it.
        ignoreActions: ["readonly"],
      }),
      responses: { Error: answer("Any other answer.", reference("Error")) },
    },
  };
}

const JSON_TYPE = "application/json";

const PATHS = {
  "/healthz": get("isServing", "Whether the daemon serves", {
    "200": answer("It does.", { const: "ok" }, "text/plain"),
  }),
  "/readyz": get("isReady", "Whether it does all that it is there for", {
    "200": answer("It does.", reference("Readiness")),
    "503": answer("It does not, for these reasons.", reference("Readiness")),
  }),
  "/v1/status": get("getStatus", "All that is held", { "200": answer("It.", reference("Status")) }),
  "/v1/containers/{id}": get(
    "getContainer",
    "One container of the status",
    {
      "200": answer("It.", reference("Container")),
      "404": answer("No device is held for it.", reference("Error")),
    },
    [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
  ),
  "/v1/devices": get("getDevices", "The host's devices as selectors see them, in natural order of name", {
    "200": answer("They.", { type: "array", items: reference("Device") }),
  }),
  "/v1/events": get(
    "readEvents",
    "What happens, as it happens",
    {
      "200": answer(
        "Server-sent events. The data of each is an Occurrence as JSON, its event field the `type` of that.",
        { type: "string" },
        "text/event-stream",
      ),
      "503": answer("There are too many readers.", reference("Error")),
    },
    [
      {
        name: "Last-Event-ID",
        in: "header",
        description: "What came behind this is told first; 0: all that is kept.",
        schema: { type: "string", pattern: "^[0-9]{1,16}$" },
      },
    ],
  ),
  "/metrics": get("getMetrics", "For Prometheus", {
    "200": answer("The text-based exposition format.", { type: "string" }, EXPOSITION_TYPE),
  }),
  "/openapi.json": get("getOpenApi", "This document", {
    "200": answer("It.", { type: "object" }),
  }),
  "/": get("getPage", "The status page, for a person", {
    "200": answer("It.", { type: "string" }, "text/html"),
  }),
};

function get(
  operationId: string,
  summary: string,
  responses: Readonly<Record<string, object>>,
  parameters: readonly object[] = [],
): object {
  const all = { ...responses, default: { $ref: "#/components/responses/Error" } };
  return { get: { operationId, summary, ...(parameters.length > 0 ? { parameters } : {}), responses: all } };
}

function answer(description: string, schema: object, type: string = JSON_TYPE): object {
  return { description, content: { [type]: { schema } } };
}

function reference(name: keyof typeof SCHEMAS): object {
  return { $ref: `#/components/schemas/${name}` };
}
