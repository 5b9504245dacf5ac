import fc from "fast-check";
import { decodeAck } from "../../../src/netlink/ack.ts";
import { decodeAddress } from "../../../src/netlink/address.ts";
import { decodeAttributes } from "../../../src/netlink/attribute.ts";
import { decodePortVlans } from "../../../src/netlink/bridge-vlan.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import { decodeSysctls } from "../../../src/netlink/devconf.ts";
import { decodeLink, linkMessage } from "../../../src/netlink/link.ts";
import { decodeMessages, type Message } from "../../../src/netlink/message.ts";
import { decodeNeighbour } from "../../../src/netlink/neighbour.ts";
import { decodeNexthop } from "../../../src/netlink/nexthop-object.ts";
import { decodeRule } from "../../../src/netlink/policy-rule.ts";
import { decodePort } from "../../../src/netlink/port.ts";
import { decodeQdisc } from "../../../src/netlink/qdisc.ts";
import { isDefaultRoute, routeMessage } from "../../../src/netlink/route.ts";
import { decodeRoute } from "../../../src/netlink/route-entry.ts";
import { readCaptures } from "../../golden/captures.ts";

/** Everything that reads bytes from the kernel. */
export const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  decodeMessages,
  decodeAttributes,
  decodeLink,
  decodeAddress,
  isDefaultRoute,
  decodeRoute: (bytes) => decodeRoute(bytes, 7),
  decodeSysctls,
  decodePort,
  decodePortVlans,
  decodeNeighbour,
  decodeQdisc,
  decodeRule: (bytes) => decodeRule(bytes, ["d0"]),
  decodeNexthop: (bytes) => decodeNexthop(bytes, 7),
  linkMessage: linkMessage.decode,
  routeMessage: routeMessage.decode,
  decodeAck: (payload) => {
    for (const type of [2, 3])
      for (const flags of [0, 0x200, 0x300]) decodeAck(messageOf(type, flags, payload));
  },
};

function messageOf(type: number, flags: number, payload: Uint8Array): Message {
  return { type, flags, sequence: 1, port: 0, payload };
}

/** Whether `decode` gives a value for `bytes`; anything thrown but a DecodeError is handed on. */
export function isDecoded(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** What the kernel really sent. */
const real = [
  "link-replies.txt",
  "address-replies.txt",
  "routes.txt",
  "route-entries.txt",
  "bridge-port.txt",
  "neighbours.txt",
  "nexthop-objects.txt",
  "policy-rules.txt",
  "acks.txt",
]
  .flatMap(readCaptures)
  .filter(({ take }) => !take.startsWith("request"))
  .flatMap(({ datagrams }) => datagrams);

/** The same, and the payloads of its messages. */
export const samples = [...real, ...real.flatMap(decodeMessages).map(({ payload }) => payload)];

const edit = fc.record({ at: fc.nat(), byte: fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 0x7f, 0x80, 0xff) });
/** A real one with some bytes changed, cut short, and shifted in its buffer. */
export const damaged = fc
  .record({
    sample: fc.constantFrom(...samples),
    edits: fc.array(edit, { minLength: 1, maxLength: 8 }),
    cut: fc.option(fc.nat()),
  })
  .map(({ sample, edits, cut }) => {
    const bytes = new Uint8Array(sample.length + 1).subarray(1);
    bytes.set(sample);
    for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
    return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
  });
