import * as v from "valibot";
import { isLiteral } from "../domain/glob.ts";
import { interfaceNameFault, isTemplate } from "../domain/interface-name.ts";
import type { DeviceRequest, Selector } from "../domain/mapping.ts";
import { NO_SYSCTLS } from "../domain/sysctls.ts";
import { quote } from "./fault.ts";
import { ADDRESS, parseGivenAddress } from "./given-address.ts";
import { type Parsed, parsed, parseWith, unparsed } from "./parsed.ts";
import { routes, routesNeedUp } from "./route-schema.ts";
import { sysctls } from "./sysctls-schema.ts";
import { type Rule, someOf, table } from "./table.ts";
import { flag, glob, mac, mtu, nameInside, parseOwnPci, pci } from "./values.ts";

/** A pattern for names of devices; one without wildcards has to be a name that a device can have. */
const namePattern = v.pipe(glob, parseWith(parseNamePattern));

function parseNamePattern(text: string): Parsed<string> {
  const fault = isLiteral(text) ? interfaceNameFault(text, false) : null;
  if (fault === null) return parsed(text);
  return unparsed(`${quote(text)} ${fault}`, "the name of a device, or a pattern of names");
}

/** A PF by its PCI address, or by a pattern for the names of its devices. */
const pf = v.pipe(
  glob,
  parseWith((text) => (text.includes(":") ? parseOwnPci(text) : parseNamePattern(text))),
);

const conditions = {
  name: v.exactOptional(namePattern),
  altname: v.exactOptional(glob),
  mac: v.exactOptional(mac),
  permanent_mac: v.exactOptional(mac),
  pci: v.exactOptional(pci),
  driver: v.exactOptional(glob),
  kind: v.exactOptional(glob),
  pf: v.exactOptional(pf),
};

const selector = v.pipe(
  table(conditions, [someOf(Object.keys(conditions))]),
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

const count = v.union(
  [v.literal("all"), v.pipe(v.number(COUNT), v.safeInteger(COUNT), v.minValue(1, COUNT))],
  COUNT,
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

/** One `[[mapping.device]]`. */
export const device = v.pipe(
  table(
    {
      match: selector,
      count: v.optional(count, 1),
      name: v.exactOptional(nameInside),
      addresses: v.exactOptional(
        v.array(v.pipe(v.string(ADDRESS), parseWith(parseGivenAddress)), "an array of IP addresses"),
      ),
      routes: v.exactOptional(routes),
      sysctls: v.exactOptional(sysctls),
      mtu: v.exactOptional(mtu),
      mac: v.exactOptional(mac),
      dad: v.optional(v.picklist(["keep", "wait", "skip"], '"keep", "wait" or "skip"'), "keep"),
      up: v.optional(flag, true),
      force: v.optional(flag, false),
    },
    [oneNameOneDevice, noAddressTwice, routesNeedUp],
  ),
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
