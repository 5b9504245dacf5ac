import * as v from "valibot";
import { type DeviceRequest, type GivenAddress, requestFor } from "../domain/mapping.ts";
import {
  ADDRESS,
  ADDRESS_PATTERN,
  MASK,
  MASK_PATTERN,
  parseGivenAddress,
  parseMask,
  withMask,
} from "./given-address.ts";
import { parsed, parseWith } from "./parsed.ts";
import { type Rule, table, tableOf } from "./table.ts";
import {
  HOST_NAME_PATTERN,
  hostName,
  mtu,
  NAME_INSIDE,
  NAME_INSIDE_SCHEMA,
  parseHostName,
  parseNameInside,
} from "./values.ts";

/** A name inside; an empty one is the host's, as runtimes have it. */
const name = v.pipe(
  v.string(NAME_INSIDE),
  v.metadata({
    description: "inside; left out or empty: the host's",
    anyOf: [{ const: "" }, NAME_INSIDE_SCHEMA],
  }),
  parseWith((text: string) => (text === "" ? parsed(null) : parseNameInside(text))),
);

const maskFitsAddress: Rule = function* ({ address, mask }) {
  const refusal = { path: ["mask"], at: "value" } as const;
  if (mask === undefined) return;
  if (address === undefined) {
    yield { ...refusal, message: "stands without an address", expected: "an address beside it" };
  }
  if (typeof address !== "string") return;
  if (address.includes("/")) {
    yield { ...refusal, message: "the address has a prefix already", expected: "one of the two" };
  } else if (typeof mask === "string" || typeof mask === "number") {
    const given = parseGivenAddress(address);
    const length = parseMask(mask);
    if (!given.ok || !length.ok) return;
    const masked = withMask(given.value, length.value);
    if (!masked.ok) yield { ...refusal, message: masked.message, expected: masked.expected };
  }
};

const properties = table(
  {
    name: v.exactOptional(name),
    address: v.exactOptional(
      v.pipe(
        v.string(ADDRESS),
        v.metadata({
          description: "in place of the host's; with a prefix, or with a `mask` beside it",
          pattern: ADDRESS_PATTERN,
        }),
        parseWith(parseGivenAddress),
      ),
    ),
    mask: v.exactOptional(
      v.pipe(
        v.union(
          [
            v.pipe(v.string(), v.metadata({ pattern: MASK_PATTERN })),
            v.pipe(v.number(), v.metadata({ type: "integer", minimum: 0, maximum: 128 })),
          ],
          MASK,
        ),
        v.metadata({ description: "dotted, or a prefix length" }),
        parseWith(parseMask),
      ),
    ),
    mtu: v.exactOptional(v.pipe(mtu, v.metadata({ description: "bytes; left out: the host's" }))),
  },
  [maskFitsAddress],
);

/** The array of runtime-spec issue 1239: `[[mapping.netDevices]]`, with a name and properties. */
const asArray = v.array(
  v.pipe(
    table({
      name: v.pipe(hostName, v.metadata({ description: "of the host's device" })),
      properties: v.exactOptional(
        v.pipe(
          properties,
          v.metadata({
            description: "what it is to be inside",
            dependentSchemas: {
              mask: { required: ["address"], properties: { address: { pattern: "^[^/]*$" } } },
            },
          }),
        ),
      ),
    }),
    v.transform(({ name, properties = {} }) => {
      const { address, mask } = properties;
      const masked = address && { ...address, prefixLength: mask?.prefixLength ?? address.prefixLength };
      return request(name, {
        name: properties.name ?? null,
        addresses: masked === undefined ? null : [masked],
        mtu: properties.mtu ?? null,
      });
    }),
  ),
);

const hostNamesAsKeys: Rule = function* (devices) {
  for (const key of Object.keys(devices)) {
    const host = parseHostName(key);
    if (!host.ok) yield { path: [key], at: "key", message: host.message, expected: host.expected };
  }
};

/** The map of runtime-spec 1.3, config-linux.md, "Network Devices": `[mapping.netDevices.ens5]`. */
const asMap = v.pipe(
  tableOf(table({ name: v.exactOptional(name) }), [hostNamesAsKeys], HOST_NAME_PATTERN),
  v.metadata({ minProperties: 1 }),
  v.transform((devices) =>
    Object.entries(devices).map(([host, { name = null }]) => {
      return request(host, { name, addresses: null, mtu: null });
    }),
  ),
);

const neither = v.never("an array of tables ([[mapping.netDevices]]) or a table of tables");

/** The two spellings of the OCI documents. */
export const netDevices = v.pipe(
  v.lazy((input) => {
    if (input === undefined) return v.union([asArray, asMap]);
    if (Array.isArray(input)) return asArray;
    return input instanceof Date || typeof input !== "object" ? neither : asMap;
  }),
  v.metadata({ description: "what the container gets, in the spellings of the OCI documents" }),
);

interface Properties {
  readonly name: string | null;
  readonly addresses: readonly GivenAddress[] | null;
  readonly mtu: number | null;
}

function request(host: string, properties: Properties): DeviceRequest {
  return { ...requestFor(host), ...properties };
}
