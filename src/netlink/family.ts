import type { Struct } from "../../ffi/layout.ts";
import type { Entries, RawAttribute, Table, Values } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";

/** A message's payload, typed: the header struct's members, the known attributes, the rest as it came. */
export interface Payload<H, E extends Entries> {
  readonly header: H;
  readonly values: Values<E>;
  readonly unknown: readonly RawAttribute[];
}

/** One family of messages: a header struct with attributes behind it (`ifinfomsg` and IFLA_*, …). */
export interface Family<H, E extends Entries> {
  /** A DecodeError for anything that is no such payload. */
  decode(payload: Uint8Array): Payload<H, E>;
  encode(header: Partial<H>, values: Values<E>): Uint8Array<ArrayBuffer>;
  /** A request of message type `type`; the attributes go out in the order of the members of `values`. */
  request(type: number, flags: number, header: Partial<H>, values: Values<E>, about: string): Request;
}

/** Puts a header struct and its attribute table together. The sizes of both are multiples of 4 (NLMSG_ALIGN). */
export function family<H, E extends Entries>(header: Struct<H>, table: Table<E>): Family<H, E> {
  const headerBytes = new Uint8Array(header.size);
  const headerView = new DataView(headerBytes.buffer);

  function encode(members: Partial<H>, values: Values<E>): Uint8Array<ArrayBuffer> {
    const payload = table.encode(values, header.size);
    // By way of a view that is there: one for each payload takes longer than to write it.
    header.encode(members, headerView, 0);
    payload.set(headerBytes);
    return payload;
  }
  return {
    decode(payload) {
      const view = viewOf(header.name, payload, header.size);
      const attributes = table.decode(payload, header.size);
      return {
        header: header.decode(view, 0),
        values: attributes.values,
        get unknown() {
          return attributes.unknown;
        },
      };
    },
    encode,
    request(type, flags, members, values, about) {
      const payload = encode(members, values);
      const nameAt = (offset: number) => table.nameAt(payload.subarray(header.size), offset - header.size);
      return { type, flags, payload, about, nameAt };
    },
  };
}
