import { BOND_PORT, BRPORT, type Port, type PortKind, type PortSetting } from "../domain/port.ts";
import {
  asciiz,
  attributes,
  type Codec,
  decodeAttributes,
  encodeAttributes,
  lladdr,
  nested,
  raw,
  u32,
} from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { ifinfomsg } from "./link.ts";
import { RTM_NEWLINK } from "./uapi.ts";

const NLA_TYPE_MASK = 0x3fff;

/** IFLA_INFO_SLAVE_DATA of a bridge's port: IFLA_BRPORT_*, as far as they can be set. */
export const brport = settingsOf(BRPORT);
/** IFLA_INFO_SLAVE_DATA of a bond's: IFLA_BOND_SLAVE_*. */
const bondSlave = settingsOf(BOND_PORT);
const BOND_SLAVE = attributes({ IFLA_BOND_SLAVE_PERM_HWADDR: [4, lladdr] });

const linkinfo = <T>(data: Codec<T>) =>
  family(
    ifinfomsg,
    attributes({
      IFLA_LINKINFO: [
        18,
        nested(attributes({ IFLA_INFO_SLAVE_KIND: [4, asciiz], IFLA_INFO_SLAVE_DATA: [5, data] })),
      ],
    }),
  );
const slaveMessage = linkinfo(raw);
const portMessages = { bridge: linkinfo(brport), bond: linkinfo(bondSlave) } as const;

const bridgeMessage = family(
  ifinfomsg,
  attributes({
    IFLA_LINKINFO: [
      18,
      nested(attributes({ IFLA_INFO_DATA: [2, nested(attributes({ IFLA_BR_STP_STATE: [5, u32] }))] })),
    ],
  }),
);

/** What an RTM_NEWLINK tells of a device as the port of a bridge or a bond; null where it is none. */
export function decodePort(payload: Uint8Array): Pick<Port, "settings" | "mac"> | null {
  const { IFLA_INFO_SLAVE_KIND: kind, IFLA_INFO_SLAVE_DATA: data } =
    slaveMessage.decode(payload).values.IFLA_LINKINFO ?? {};
  if (data === undefined) return kind === "bridge" ? { settings: {} } : null;
  // The data of another kind of master is of another kind.
  if (kind === "bridge") return { settings: brport.decode(data) };
  if (kind !== "bond") return null;
  const mac = BOND_SLAVE.decode(data).values.IFLA_BOND_SLAVE_PERM_HWADDR ?? null;
  return { settings: bondSlave.decode(data), mac };
}

/** Whether an RTM_NEWLINK tells of a bridge that does without STP: its own, and one in user space. */
export function hasNoStp(payload: Uint8Array): boolean {
  return bridgeMessage.decode(payload).values.IFLA_LINKINFO?.IFLA_INFO_DATA?.IFLA_BR_STP_STATE === 0;
}

/** Changes settings of a port. */
export function changePort(
  ifindex: number,
  of: PortKind,
  settings: Port["settings"],
  about: string,
): Request {
  const IFLA_LINKINFO = { IFLA_INFO_SLAVE_KIND: of, IFLA_INFO_SLAVE_DATA: settings };
  return portMessages[of].request(RTM_NEWLINK, 0, { ifi_index: ifindex }, { IFLA_LINKINFO }, about);
}

function settingsOf(table: readonly PortSetting[]): Codec<Port["settings"]> {
  return {
    decode(payload) {
      const found: Record<string, number> = {};
      for (const { type, payload: value } of decodeAttributes(payload)) {
        const entry = table.find(({ number }) => number === (type & NLA_TYPE_MASK));
        if (entry !== undefined) found[entry.name] = readNumber(value, entry.bytes);
      }
      return found;
    },
    encode: (settings) =>
      encodeAttributes(
        table.flatMap(({ name, number, bytes }) => {
          const value = settings[name];
          return value === undefined ? [] : [{ type: number, payload: numberOf(value, bytes) }];
        }),
      ),
    table: { nameAt: () => null },
  };
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
