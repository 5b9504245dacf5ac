import * as v from "valibot";
import { interfaceNameFault } from "../domain/interface-name.ts";
import { macFault, parseMac } from "../domain/mac.ts";
import { parsePci } from "../domain/pci.ts";
import { DURATION, DURATION_PATTERN, parseDuration } from "./duration.ts";
import { quote } from "./fault.ts";
import { type Parsed, parsed, parseWith, unparsed } from "./parsed.ts";

/** Whether something is so. */
export const flag = v.boolean("true or false");

/*
 * What a parser refuses an editor has to be told in the words of JSON Schema: the metadata before it. It may say less
 * than the parser, and nothing more.
 */

/** Text that one line of a log or of metrics can hold. */
export const label = v.pipe(
  v.string("a name"),
  v.metadata({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" }),
  parseWith(parseLabel),
);

function parseLabel(text: string): Parsed<string> {
  if (text === "") return unparsed("is empty", "a name");
  if (/\p{Cc}/u.test(text)) return unparsed(`${quote(text)} holds a control character`, "a name on one line");
  return parsed(text);
}

/** A pattern for globMatches; see there. */
export const glob = v.pipe(
  v.string("a text, in which * stands for any run of characters"),
  v.nonEmpty("a text or pattern that is not empty"),
);

/** A folder by its absolute path: a daemon has no folder of its own that others could be beside. */
export const folder = v.pipe(
  v.string("the absolute path of a folder"),
  v.metadata({ pattern: "^/" }),
  parseWith(parseFolder),
);

/** See {@link folder}; without the slashes that it may end with. */
export function parseFolder(text: string): Parsed<string> {
  if (!text.startsWith("/") || text.includes("\0")) {
    return unparsed(`${quote(text)} is no absolute path`, "the absolute path of a folder");
  }
  return parsed(text.length > 1 ? text.replace(/\/+$/, "") || "/" : text);
}

/** Milliseconds. */
export const duration = v.pipe(
  v.string(DURATION),
  v.metadata({ minLength: 1, pattern: DURATION_PATTERN }),
  parseWith(durationOf),
);

function durationOf(text: string): Parsed<number> {
  const milliseconds = parseDuration(text);
  return milliseconds === null ? unparsed(`${quote(text)} is no duration`, DURATION) : parsed(milliseconds);
}

/** A MAC address that a device can have, in canonical form. */
export const mac = v.pipe(
  v.string("a MAC address"),
  // An odd first byte is a group's.
  v.metadata({
    pattern: "^[0-9A-Fa-f][02468ACEace]([:-][0-9A-Fa-f]{2}){5}$",
    not: { pattern: "^00([:-]00){5}$" },
  }),
  parseWith(parseOwnMac),
);

function parseOwnMac(text: string): Parsed<string> {
  const canonical = parseMac(text);
  if (canonical === null) {
    return unparsed(`${quote(text)} is no MAC address`, 'a MAC address such as "02:00:00:00:00:01"');
  }
  const fault = macFault(canonical);
  return fault === null
    ? parsed(canonical)
    : unparsed(`${canonical}: ${fault}`, "the MAC address of one device");
}

const PCI = 'a PCI address such as "0000:03:00.0"';

/** What a JSON Schema can say of one. */
export const PCI_SCHEMA = {
  pattern: "^([0-9A-Fa-f]{1,8}:)?[0-9A-Fa-f]{1,2}:[01]?[0-9A-Fa-f]\\.[0-7]$",
};

/** A PCI address in canonical form. */
export const pci = v.pipe(v.string(PCI), v.metadata(PCI_SCHEMA), parseWith(parseOwnPci));

/** See {@link pci}. */
export function parseOwnPci(text: string): Parsed<string> {
  const canonical = parsePci(text);
  return canonical === null ? unparsed(`${quote(text)} is no PCI address`, PCI) : parsed(canonical);
}

const MTU = "an integer from 68 to 65535";

/** Bytes. 68 is ETH_MIN_MTU; the kernel knows what the driver takes, and says so. */
export const mtu = v.pipe(v.number(MTU), v.integer(MTU), v.minValue(68, MTU), v.maxValue(65535, MTU));

const INTERFACE_NAME = "an interface name of 1 to 15 bytes";
const CHARACTER = "[^/:% \\t-\\r\\u0000]";
const NOBODYS_NAME = { enum: [".", "..", "all", "default"] };
/** What a JSON Schema can say of one. */
export const HOST_NAME_PATTERN = `^${CHARACTER}{1,15}$`;
/** What a JSON Schema can say of a name inside. No text has fewer bytes than characters. */
export const NAME_INSIDE_SCHEMA = {
  minLength: 1,
  maxLength: 15,
  pattern: `^${CHARACTER}*(%d${CHARACTER}*)?$`,
  not: NOBODYS_NAME,
};
/** What {@link parseNameInside} takes, for a sentence that ends with it. */
export const NAME_INSIDE = `${INTERFACE_NAME}, in which one "%d" stands for the first free number`;

/** The name of a device that is there. */
export function parseHostName(text: string): Parsed<string> {
  const fault = interfaceNameFault(text, false);
  return fault === null ? parsed(text) : unparsed(`${quote(text)} ${fault}`, INTERFACE_NAME);
}

/** A name inside, or a template of one. */
export function parseNameInside(text: string): Parsed<string> {
  const fault = interfaceNameFault(text, true);
  return fault === null ? parsed(text) : unparsed(`${quote(text)} ${fault}`, NAME_INSIDE);
}

/** See {@link parseHostName}. */
export const hostName = v.pipe(
  v.string(INTERFACE_NAME),
  v.metadata({ pattern: HOST_NAME_PATTERN, not: NOBODYS_NAME }),
  parseWith(parseHostName),
);

/** See {@link parseNameInside}. */
export const nameInside = v.pipe(
  v.string(NAME_INSIDE),
  v.metadata(NAME_INSIDE_SCHEMA),
  parseWith(parseNameInside),
);
