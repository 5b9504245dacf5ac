import Ajv, { type ValidateFunction } from "ajv/dist/2020.js";

/** What an answer is held to. */
export interface OpenApi {
  readonly paths: readonly string[];
  /** Why a JSON answer is none that the document says of its path and status; null: it is one. */
  whyNot(path: string, status: number, body: unknown): string | null;
  /** The same of a value and a schema of the document's components. */
  whyNoneOf(schema: string, value: unknown): string | null;
}

/**
 * Reads an OpenAPI 3.1 document as strictly as can be: what it does not name is not told. Throws where a schema of it
 * is none.
 */
export function readOpenApi(document: unknown): OpenApi {
  const closed = within(document);
  const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: false });
  for (const keyword of ["openapi", "info", "servers", "paths", "components"]) ajv.addKeyword(keyword);
  ajv.addFormat("date-time", (text: string) => {
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) && !Number.isNaN(Date.parse(text));
  });
  ajv.addSchema(Object(closed), "document");
  const validators = new Map<string, ValidateFunction>();

  function whyRefused(pointer: string, value: unknown): string | null {
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `document#${pointer}` });
    validators.set(pointer, validate);
    if (validate(value)) return null;
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`).join("; ");
  }

  return {
    paths: Object.keys(Object(at(document, ["paths"]))),
    whyNot(path, status, body) {
      const responses = ["paths", path, "get", "responses"];
      const named = at(document, [...responses, String(status)]);
      const at_ = named === undefined ? ["components", "responses", "Error"] : [...responses, String(status)];
      return whyRefused(pointerOf([...at_, "content", "application/json", "schema"]), body);
    },
    whyNoneOf: (schema, value) => whyRefused(pointerOf(["components", "schemas", schema]), value),
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => Object(inner)[key], value);
}

/** A JSON pointer (RFC 6901) as a URI's fragment. */
function pointerOf(path: readonly string[]): string {
  return path
    .map((part) => `/${encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))}`)
    .join("");
}

/** The same with each object closed to members that it does not name. */
function within(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(within);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, within(inner)]);
  const isClosed = "properties" in value && !("additionalProperties" in value);
  return { ...Object.fromEntries(entries), ...(isClosed ? { additionalProperties: false } : {}) };
}
