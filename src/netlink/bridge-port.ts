import { BRPORT, type Port } from "../domain/port.ts";
import { asciiz, attributes, type Codec, decodeAttributes, encodeAttributes, nested } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { ifinfomsg } from "./link.ts";
import { RTM_NEWLINK } from "./uapi.ts";

const NLA_TYPE_MASK = 0x3fff;

/** IFLA_INFO_SLAVE_DATA of a bridge's port: IFLA_BRPORT_*, as far as they can be set. */
export const brport: Codec<Port["settings"]> = {
  decode(payload) {
    const found: Record<string, number> = {};
    for (const { type, payload: value } of decodeAttributes(payload)) {
      const entry = BRPORT.find(({ number }) => number === (type & NLA_TYPE_MASK));
      if (entry !== undefined) found[entry.name] = readNumber(value, entry.bytes);
    }
    return found;
  },
  encode: (settings) =>
    encodeAttributes(
      BRPORT.flatMap(({ name, number, bytes }) => {
        const value = settings[name];
        return value === undefined ? [] : [{ type: number, payload: numberOf(value, bytes) }];
      }),
    ),
  table: { nameAt: () => null },
};

const SLAVE = attributes({ IFLA_INFO_SLAVE_KIND: [4, asciiz] });
const slaveMessage = family(ifinfomsg, attributes({ IFLA_LINKINFO: [18, nested(SLAVE)] }));
const LINKINFO = attributes({ IFLA_INFO_SLAVE_KIND: [4, asciiz], IFLA_INFO_SLAVE_DATA: [5, brport] });
const portMessage = family(ifinfomsg, attributes({ IFLA_LINKINFO: [18, nested(LINKINFO)] }));

/** The settings that an RTM_NEWLINK tells of a device as the port of a bridge; null where it is none. */
export function decodePort(payload: Uint8Array): Pick<Port, "settings"> | null {
  // The data of another kind of master is of another kind.
  if (slaveMessage.decode(payload).values.IFLA_LINKINFO?.IFLA_INFO_SLAVE_KIND !== "bridge") return null;
  const { IFLA_LINKINFO } = portMessage.decode(payload).values;
  return { settings: IFLA_LINKINFO?.IFLA_INFO_SLAVE_DATA ?? {} };
}

/** Changes settings of a bridge's port. */
export function changePort(ifindex: number, settings: Port["settings"], about: string): Request {
  const IFLA_LINKINFO = { IFLA_INFO_SLAVE_KIND: "bridge", IFLA_INFO_SLAVE_DATA: settings };
  return portMessage.request(RTM_NEWLINK, 0, { ifi_index: ifindex }, { IFLA_LINKINFO }, about);
}

function readNumber(payload: Uint8Array, bytes: number): number {
  const view = viewOf("IFLA_BRPORT", payload, bytes);
  if (bytes === 1) return view.getUint8(0);
  return bytes === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
}

function numberOf(value: number, bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 1) view.setUint8(0, value);
  else if (bytes === 2) view.setUint16(0, value, true);
  else view.setUint32(0, value, true);
  return new Uint8Array(view.buffer);
}
