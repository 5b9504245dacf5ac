import { formatIp, parseIp } from "../domain/ip.ts";
import type { GivenAddress } from "../domain/mapping.ts";
import { quote } from "./fault.ts";
import { type Parsed, parsed, unparsed } from "./parsed.ts";

/** What {@link parseGivenAddress} takes, for a sentence that ends with it. */
export const ADDRESS = 'an IP address such as "192.168.0.1/24" or "2001:db8::1/64"';

const BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${BYTE}(\\.${BYTE}){3}`;
const IPV6 = "[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*";
const PREFIX_128 = "(12[0-8]|1[01]\\d|[1-9]?\\d)";
/** What a JSON Schema can say of an address without a prefix: IPv4 in full, IPv6 by its characters. */
export const IP_PATTERN = `^(${IPV4}|${IPV6})$`;
/** The same with a prefix, or without. */
export const ADDRESS_PATTERN = `^(${IPV4}(/(3[0-2]|[12]?\\d))?|${IPV6}(/${PREFIX_128})?)$`;

/** An address that a device can have, from `192.168.0.1/24`; without a prefix it is that one host's. */
export function parseGivenAddress(text: string): Parsed<GivenAddress> {
  const slash = text.indexOf("/");
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (bytes === null) return unparsed(`${quote(text)} is no IP address`, ADDRESS);
  const local = formatIp(bytes);
  const use = useOf(bytes);
  if (use !== null) return unparsed(`${local} is ${use}`, "an address that a device can have");
  const family = bytes.length === 4 ? "inet" : "inet6";
  const width = bytes.length * 8;
  const prefix = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > width) {
    return unparsed(`${quote(prefix)} is no prefix length`, `a number from 0 to ${width} after the "/"`);
  }
  return parsed({ family, local, prefixLength: Number(prefix) });
}

/** What else the address is for, or null where a device may have it. */
function useOf(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) return "the unspecified address";
  const first = bytes[0] ?? 0;
  if (bytes.length === 4) {
    if (bytes.every((byte) => byte === 255)) return "the broadcast address of every network";
    if (first === 127) return "a loopback address, which lo alone has";
    return first >= 224 && first < 240 ? "a multicast address" : null;
  }
  if (formatIp(bytes) === "::1") return "the loopback address, which lo alone has";
  return first === 0xff ? "a multicast address" : null;
}

/** How many leading bits of an address are the network's. */
export interface Mask {
  readonly prefixLength: number;
  /** Written in dotted form, which only IPv4 has. */
  readonly dotted: boolean;
}

/** What {@link parseMask} takes, for a sentence that ends with it. */
export const MASK = 'a dotted mask such as "255.255.255.0" or a prefix length such as 24';

/** The last byte of a dotted mask that is not all ones. */
const MASK_BYTE = "(0|128|192|224|240|248|252|254)";
/** What a JSON Schema can say of one that is a text. */
export const MASK_PATTERN = `^(${PREFIX_128}|${MASK_BYTE}(\\.0){3}|255\\.${MASK_BYTE}(\\.0){2}|(255\\.){2}${MASK_BYTE}\\.0|(255\\.){3}(${MASK_BYTE}|255))$`;

/** The mask beside an address, dotted (`255.255.255.0`) or a prefix length (`24`, `"24"`). */
export function parseMask(mask: string | number): Parsed<Mask> {
  const text = String(mask);
  if (/^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 128) {
    return parsed({ prefixLength: Number(text), dotted: false });
  }
  const bytes = text.includes(":") ? null : parseIp(text);
  if (bytes === null) return unparsed(`${quote(text)} is no mask`, MASK);
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  if (bits.includes("01")) return unparsed(`${quote(text)} has ones after a zero`, MASK);
  return parsed({ prefixLength: bits.replaceAll("0", "").length, dotted: true });
}

/** `address` with `mask` in place of its prefix. */
export function withMask(address: GivenAddress, mask: Mask): Parsed<GivenAddress> {
  if (address.family === "inet6" && mask.dotted) {
    return unparsed("IPv6 has no dotted masks", "a prefix length from 0 to 128");
  }
  if (address.family === "inet" && mask.prefixLength > 32) {
    return unparsed(`${mask.prefixLength} is no prefix length of IPv4`, "a prefix length from 0 to 32");
  }
  return parsed({ ...address, prefixLength: mask.prefixLength });
}
