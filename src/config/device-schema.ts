import * as v from "valibot";
import { isLiteral } from "../domain/glob.ts";
import { interfaceNameFault, isTemplate } from "../domain/interface-name.ts";
import type { DeviceRequest, Selector } from "../domain/mapping.ts";
import { NO_SYSCTLS } from "../domain/sysctls.ts";
import { quote } from "./fault.ts";
import { ADDRESS, ADDRESS_PATTERN, parseGivenAddress } from "./given-address.ts";
import { ifThen } from "./if-then.ts";
import { type Parsed, parsed, parseWith, unparsed } from "./parsed.ts";
import { routes, routesNeedUp } from "./route-schema.ts";
import { sysctls } from "./sysctls-schema.ts";
import { type Rule, someOf, table } from "./table.ts";
import {
  flag,
  glob,
  HOST_NAME_PATTERN,
  mac,
  mtu,
  nameInside,
  PCI_SCHEMA,
  parseOwnPci,
  pci,
} from "./values.ts";

/** What makes a text more than a literal one, by JSON Schema. Taplo reads it as Rust does: "[" opens a set in a set. */
const WILDCARD = "[*?\\[\\\\]";

/** A pattern for names of devices; one without wildcards has to be a name that a device can have. */
const namePattern = v.pipe(
  glob,
  v.metadata({
    description: "a pattern for the name of the device",
    anyOf: [{ pattern: HOST_NAME_PATTERN }, { pattern: WILDCARD }],
  }),
  parseWith(parseNamePattern),
);

function parseNamePattern(text: string): Parsed<string> {
  const fault = isLiteral(text) ? interfaceNameFault(text, false) : null;
  if (fault === null) return parsed(text);
  return unparsed(`${quote(text)} ${fault}`, "the name of a device, or a pattern of names");
}

/** A PF by its PCI address, or by a pattern for the names of its devices. */
const pf = v.pipe(
  glob,
  v.metadata({
    description:
      "a virtual function (SR-IOV) of this physical one: its PCI address, or a pattern for its name or an altname",
    anyOf: [PCI_SCHEMA, { pattern: HOST_NAME_PATTERN }, { pattern: `^[^:]*${WILDCARD}[^:]*$` }],
  }),
  parseWith((text) => (text.includes(":") ? parseOwnPci(text) : parseNamePattern(text))),
);

const conditions = {
  name: v.exactOptional(namePattern),
  altname: v.exactOptional(v.pipe(glob, v.metadata({ description: "a pattern for one of its other names" }))),
  mac: v.exactOptional(v.pipe(mac, v.metadata({ description: "the MAC that it has" }))),
  permanent_mac: v.exactOptional(
    v.pipe(mac, v.metadata({ description: "the MAC that is burnt into it, or that its driver made up" })),
  ),
  pci: v.exactOptional(
    v.pipe(
      pci,
      v.metadata({
        description:
          "the PCI address of the device itself, or of the one that a virtio device is part of, such as 0000:03:00.0",
      }),
    ),
  ),
  driver: v.exactOptional(
    v.pipe(glob, v.metadata({ description: "a pattern for its driver, as `ethtool -i` tells it" })),
  ),
  kind: v.exactOptional(
    v.pipe(glob, v.metadata({ description: 'a pattern for its kind: "veth", "macvlan", "vxlan", …' })),
  ),
  pf: v.exactOptional(pf),
};

const selector = v.pipe(
  table(conditions, [someOf(Object.keys(conditions))]),
  v.metadata({
    description:
      "which devices: `name`, `altname`, `mac`, `permanent_mac`, `pci`, `driver`, `kind`, `pf`; all that are given must hold",
    minProperties: 1,
  }),
  v.transform(
    (match): Selector => ({
      name: match.name ?? null,
      altname: match.altname ?? null,
      mac: match.mac ?? null,
      permanentMac: match.permanent_mac ?? null,
      pci: match.pci ?? null,
      driver: match.driver ?? null,
      kind: match.kind ?? null,
      pf: match.pf ?? null,
    }),
  ),
);

const COUNT = 'a positive integer or "all"';

const count = v.pipe(
  v.union([v.literal("all"), v.pipe(v.number(COUNT), v.safeInteger(COUNT), v.minValue(1, COUNT))], COUNT),
  v.metadata({ description: 'how many: the first of them in natural order of name, or `"all"`' }),
);

const oneNameOneDevice: Rule = function* (device) {
  const { name, count } = device;
  const several = count === "all" || (typeof count === "number" && count > 1);
  if (typeof name !== "string" || isTemplate(name) || !several) return;
  yield {
    path: ["name"],
    at: "value",
    message: `${quote(name)} is one name, and count asks for more devices than one`,
    expected: 'a name with "%d", or none',
  };
};

const noAddressTwice: Rule = function* (device) {
  if (!Array.isArray(device.addresses)) return;
  const seen = new Set<string>();
  for (const [at, text] of device.addresses.entries()) {
    const address = typeof text === "string" ? parseGivenAddress(text) : null;
    if (address?.ok !== true) continue;
    const { family, local, prefixLength } = address.value;
    // The kernel tells IPv4 addresses of a device apart by their prefix too, those of IPv6 not.
    const key = family === "inet" ? `${local}/${prefixLength}` : local;
    if (seen.has(key)) {
      const expected = "each address once";
      yield { path: ["addresses", at], at: "value", message: `${local} is there already`, expected };
    }
    seen.add(key);
  }
};

const name = v.pipe(
  nameInside,
  v.metadata({
    description:
      'inside; `"net%d"` is the first number that no name or altname has there, nor is to have by this mapping. Devices may swap their names',
  }),
);

const addresses = v.pipe(
  v.array(
    v.pipe(v.string(ADDRESS), v.metadata({ pattern: ADDRESS_PATTERN }), parseWith(parseGivenAddress)),
    "an array of IP addresses",
  ),
  v.metadata({
    description: '`["192.168.0.1/24", "2001:db8::1/64"]`; `[]`: none',
    uniqueItems: true,
  }),
);

const dad = v.pipe(
  v.picklist(["keep", "wait", "skip"], '"keep", "wait" or "skip"'),
  v.metadata({
    description:
      'IPv6 duplicate address detection. `"keep"`: an address proven on the host is not doubted inside; `"wait"`: the answer comes when all are proven; `"skip"`: none is done',
  }),
);

const force = v.pipe(
  flag,
  v.metadata({
    description: "take the device though it carries the default route, or others are built on it",
  }),
);

/** One `[[mapping.device]]`. */
export const device = v.pipe(
  table(
    {
      match: selector,
      count: v.optional(count, 1),
      name: v.exactOptional(name),
      addresses: v.exactOptional(addresses),
      routes: v.exactOptional(routes),
      sysctls: v.exactOptional(sysctls),
      mtu: v.exactOptional(v.pipe(mtu, v.metadata({ description: "bytes; left out: the host's" }))),
      mac: v.exactOptional(v.pipe(mac, v.metadata({ description: "inside; left out: the host's" }))),
      dad: v.optional(dad, "keep"),
      up: v.optional(v.pipe(flag, v.metadata({ description: "whether the device is up inside" })), true),
      force: v.optional(force, false),
    },
    [oneNameOneDevice, noAddressTwice, routesNeedUp],
  ),
  v.metadata({
    allOf: [
      // oneNameOneDevice, and routesNeedUp.
      ifThen(
        { required: ["name", "count"], properties: { count: { not: { const: 1 } } } },
        { properties: { name: { pattern: "%d" } } },
      ),
      ifThen(
        { required: ["up"], properties: { up: { const: false } } },
        { properties: { routes: { type: "array", maxItems: 0 } } },
      ),
    ],
  }),
  v.transform(
    ({ match, count, name, addresses, routes, sysctls, mtu, mac, dad, up, force }): DeviceRequest => ({
      match,
      count,
      name: name ?? null,
      addresses: addresses ?? null,
      routes: routes ?? [],
      sysctls: sysctls ?? NO_SYSCTLS,
      mtu: mtu ?? null,
      mac: mac ?? null,
      dad,
      up,
      force,
    }),
  ),
);
