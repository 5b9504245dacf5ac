import * as v from "valibot";
import { formatIp, parseIp } from "../domain/ip.ts";
import type { GivenRoute } from "../domain/mapping.ts";
import { quote } from "./fault.ts";
import { ADDRESS_PATTERN, IP_PATTERN } from "./given-address.ts";
import { ifThen } from "./if-then.ts";
import { type Parsed, parsed, parseWith, unparsed } from "./parsed.ts";
import { type Rule, table } from "./table.ts";
import { flag } from "./values.ts";

const TO = '"default", or a network such as "10.0.0.0/8" or "2001:db8::/32"';
const ADDRESS = 'an IP address such as "192.168.0.254"';
const NUMBER = "an integer from 0 to 4294967295";
const TABLE = "the number of a routing table, from 1 to 4294967295";

const to = v.pipe(
  v.string(TO),
  v.metadata({ description: `where it leads: ${TO}`, pattern: `^default$|${ADDRESS_PATTERN}` }),
  parseWith(parseTo),
);
const address = v.pipe(v.string(ADDRESS), v.metadata({ pattern: IP_PATTERN }), parseWith(parseAddress));
const number = (least: number, expected: string) =>
  v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(least, expected),
    v.maxValue(0xffffffff, expected),
  );

/** A network, or null: everywhere, in the family that the others are of. */
function parseTo(text: string): Parsed<Pick<GivenRoute, "family" | "to" | "prefixLength"> | null> {
  if (text === "default") return parsed(null);
  const slash = text.indexOf("/");
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (bytes === null) return unparsed(`${quote(text)} is no network`, TO);
  const width = bytes.length * 8;
  const prefix = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > width) {
    return unparsed(`${quote(prefix)} is no prefix length`, `a number from 0 to ${width} after the "/"`);
  }
  const prefixLength = Number(prefix);
  const network = formatIp(bytes.map((byte, at) => byte & maskOf(prefixLength - at * 8)));
  if (network !== formatIp(bytes)) {
    return unparsed(`${quote(text)} has bits beyond its prefix`, `"${network}/${prefixLength}"`);
  }
  return parsed({ family: bytes.length === 4 ? "inet" : "inet6", to: network, prefixLength });
}

/** The byte of a mask of which `bits` are left from here on. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : 0xff & (0xff << (8 - bits));
}

function parseAddress(text: string): Parsed<string> {
  const bytes = parseIp(text);
  if (bytes === null) return unparsed(`${quote(text)} is no IP address`, ADDRESS);
  if (bytes.every((byte) => byte === 0))
    return unparsed(`${quote(text)} is the unspecified address`, ADDRESS);
  return parsed(formatIp(bytes));
}

const familyOf = (value: unknown): GivenRoute["family"] | null => {
  if (typeof value !== "string") return null;
  const bytes = parseIp(value.split("/")[0] ?? "");
  return bytes === null ? null : bytes.length === 4 ? "inet" : "inet6";
};

/** A rule: what a route is of can be told, and its addresses are of that family. */
const ofOneFamily: Rule = function* ({ to, via, src }) {
  const family = to === "default" ? (familyOf(src) ?? familyOf(via)) : familyOf(to);
  if (to === "default" && via === undefined && src === undefined) {
    const message = '"default" without a gateway is of either family';
    yield { path: ["to"], at: "value", message, expected: '"0.0.0.0/0" or "::/0"' };
  }
  if (family === null) return;
  const [name, example] = family === "inet" ? ["IPv4", "an IPv4 address"] : ["IPv6", "an IPv6 address"];
  if (familyOf(src) !== null && familyOf(src) !== family) {
    yield { path: ["src"], at: "value", message: `the route is of ${name}`, expected: example };
  }
  // An IPv4 route may have an IPv6 gateway (RFC 5549), and not the other way round.
  if (family === "inet6" && familyOf(via) === "inet") {
    yield { path: ["via"], at: "value", message: `the route is of ${name}`, expected: example };
  }
};

const onlinkIsOfGateways: Rule = function* ({ onlink, via }) {
  if (onlink !== true || via !== undefined) return;
  const expected = "a gateway (via) beside it";
  yield { path: ["onlink"], at: "value", message: "says of no gateway that it is on the link", expected };
};

const route = v.pipe(
  table(
    {
      to,
      via: v.exactOptional(v.pipe(address, v.metadata({ description: "the gateway" }))),
      metric: v.exactOptional(
        v.pipe(number(0, NUMBER), v.metadata({ description: "the lowest is taken; left out: the kernel's" })),
      ),
      table: v.exactOptional(
        v.pipe(number(1, TABLE), v.metadata({ description: "the routing table; left out: main" })),
      ),
      src: v.exactOptional(v.pipe(address, v.metadata({ description: "the address that is sent from" }))),
      onlink: v.optional(
        v.pipe(
          flag,
          v.metadata({ description: "take the gateway to be on the link, whatever addresses there are" }),
        ),
        false,
      ),
    },
    [ofOneFamily, onlinkIsOfGateways],
  ),
  v.metadata({
    allOf: [
      ifThen(
        { required: ["to"], properties: { to: { const: "default" } } },
        { anyOf: [{ required: ["via"] }, { required: ["src"] }] },
      ),
      ifThen({ required: ["onlink"], properties: { onlink: { const: true } } }, { required: ["via"] }),
    ],
  }),
  v.transform(({ to, via = null, metric, table, src = null, onlink }): GivenRoute => {
    const family = to?.family ?? familyOf(src) ?? familyOf(via) ?? "inet";
    const everywhere = { family, to: family === "inet" ? "0.0.0.0" : "::", prefixLength: 0 };
    const where = to ?? everywhere;
    return { ...where, via, metric: metric || null, table: table ?? null, source: src, onlink };
  }),
);

const ROUTES = 'an array of routes, or "preserve"';

/** `routes` of a device: what it has inside, beside what comes with its addresses. */
export const routes = v.pipe(
  v.lazy((input) => {
    if (input === undefined) return v.union([v.array(route), v.literal("preserve")]);
    return Array.isArray(input) ? v.array(route) : v.literal("preserve", ROUTES);
  }),
  v.metadata({
    description:
      '`[{ to = "default", via = "192.168.0.254" }]`, each with `metric`, `table`, `src`, `onlink` as well; `"preserve"`: the host\'s, those aside that leave by other devices too',
    default: [],
  }),
);

/** A rule: a device that is down has no routes. */
export const routesNeedUp: Rule = function* ({ routes, up }) {
  if (up !== false || routes === undefined || (Array.isArray(routes) && routes.length === 0)) return;
  yield { path: ["routes"], at: "key", message: "stands beside up = false", expected: "a device that is up" };
};
