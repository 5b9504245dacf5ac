import { alignUp, scalarSize, struct } from "../../ffi/layout.ts";
import { formatMac, macBytes } from "../domain/mac.ts";
import { DecodeError } from "./decode-error.ts";
import { u16At } from "./little-endian.ts";
import { NLA_F_NESTED, NLA_F_NET_BYTEORDER } from "./uapi.ts";

/** struct nlattr (linux/netlink.h). */
const nlattr = struct("nlattr", { nla_len: "u16", nla_type: "u16" });
/** #define NLA_ALIGNTO 4 */
const NLA_ALIGNTO = 4;
const NLA_PAYLOAD_MAX = 0xffff - nlattr.size;
const NLA_TYPE_MASK = 0xffff & ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER);

/** How the payload of one kind of attribute is read and written. */
export interface Codec<T> {
  decode(payload: Uint8Array): T;
  encode(value: T): Uint8Array;
  /** The table of what is inside, for codecs that nest attributes. */
  readonly table?: { nameAt(bytes: Uint8Array, offset: number): string | null };
}

/** An attribute as it came over the wire, for those that no table knows. */
export interface RawAttribute {
  /** nla_type with its flag bits. */
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Byte by byte, the least first: a DataView for each of them takes far longer. */
function scalar(type: "u8" | "u16" | "u32" | "i32"): Codec<number> {
  const size = scalarSize(type);
  return {
    decode(payload) {
      if (payload.length < size) throw new DecodeError(type, 0, size, payload.length);
      let value = 0;
      for (let at = 0; at < size; at++) value |= (payload[at] ?? 0) << (8 * at);
      return type === "i32" ? value : value >>> 0;
    },
    encode(value) {
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; at++) bytes[at] = value >>> (8 * at);
      return bytes;
    },
  };
}

export const u8 = scalar("u8");
export const u16 = scalar("u16");
export const u32 = scalar("u32");
export const i32 = scalar("i32");

// A byte order mark is three bytes of a name like any others.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** A string with its closing NUL. Names are bytes to the kernel: those that are no UTF-8 lose their bytes. */
export const asciiz: Codec<string> = {
  decode(payload) {
    const end = payload.indexOf(0);
    return decoder.decode(end < 0 ? payload : payload.subarray(0, end));
  },
  encode: (value) => encoder.encode(`${value}\0`),
};

/** A string that ends with its attribute, as the kernel takes IFLA_IFALIAS; a NUL before that ends it too. */
export const text: Codec<string> = { decode: asciiz.decode, encode: (value) => encoder.encode(value) };

/** The payload as it is. */
export const raw: Codec<Uint8Array> = { decode: (payload) => payload, encode: (value) => value };

/** A link-layer address of any length as `aa:bb:…` text. */
export const lladdr: Codec<string> = { decode: formatMac, encode: macBytes };

/** A table's attributes: kernel name to number and codec. */
// biome-ignore lint/suspicious/noExplicitAny: Codec is invariant, and a table holds codecs of every type.
export type Entries = Readonly<Record<string, readonly [number: number, codec: Codec<any>]>>;

/** What a table decodes to: every attribute may be absent. */
export type Values<E extends Entries> = {
  readonly [Name in keyof E]?: (E[Name][1] extends Codec<infer T> ? T : never) | undefined;
};

/** The attributes of one message or nest, keyed by the kernel's names. */
export interface Table<E extends Entries> {
  /**
   * Of attributes that come twice the last one counts, as in nla_parse().
   *
   * @param start bytes before the first one
   */
  decode(
    bytes: Uint8Array,
    start?: number,
  ): { readonly values: Values<E>; readonly unknown: readonly RawAttribute[] };
  /**
   * In the order of the members of `values`; undefined ones are left out.
   *
   * @param room bytes left zero before them, for a header
   */
  encode(values: Values<E>, room?: number): Uint8Array<ArrayBuffer>;
  /** Name of the innermost attribute that covers `offset`, or null. Never throws. */
  nameAt(bytes: Uint8Array, offset: number): string | null;
}

/** Declares a table of attributes with explicit numbers: `{ IFLA_MTU: [4, u32] }`. */
export function attributes<const E extends Entries>(entries: E): Table<E> {
  const byNumber = new Map(
    Object.entries(entries).map(([name, [number, codec]]) => [number, { name, codec }] as const),
  );
  return {
    decode(bytes, start = 0) {
      const values: Record<string, unknown> = {};
      let at = start;
      // Without an object for each attribute: a link has 60 of them, and 20 are of interest.
      for (let length = wholeAt(bytes, at); length > 0; length = wholeAt(bytes, at)) {
        const entry = byNumber.get(u16At(bytes, at + nlattr.offsets.nla_type) & NLA_TYPE_MASK);
        if (entry !== undefined) {
          values[entry.name] = entry.codec.decode(bytes.subarray(at + nlattr.size, at + length));
        }
        at += alignUp(length, NLA_ALIGNTO);
      }
      refuseRest(bytes, at, start);
      return {
        // Each member was decoded by the codec that `entries` gives for its name.
        values: values as Values<E>,
        get unknown() {
          return decodeAttributes(bytes.subarray(start)).filter(
            ({ type }) => !byNumber.has(type & NLA_TYPE_MASK),
          );
        },
      };
    },
    encode(values, room) {
      const list: RawAttribute[] = [];
      for (const name in values) {
        const value = values[name];
        const entry = entries[name];
        if (entry === undefined || value === undefined) continue;
        const [number, codec] = entry;
        const type = codec.table === undefined ? number : number | NLA_F_NESTED;
        list.push({ type, payload: codec.encode(value) });
      }
      return encodeAttributes(list, room);
    },
    nameAt(bytes, offset) {
      for (const { start, type, payload } of walk(bytes)) {
        if (offset < start || offset >= start + nlattr.size + payload.length) continue;
        const entry = byNumber.get(type & NLA_TYPE_MASK);
        if (entry === undefined) return null;
        return entry.codec.table?.nameAt(payload, offset - start - nlattr.size) ?? entry.name;
      }
      return null;
    },
  };
}

/** An attribute that holds attributes of `table`; what the table does not know is dropped in decoding. */
export function nested<E extends Entries>(table: Table<E>): Codec<Values<E>> {
  return { decode: (payload) => table.decode(payload).values, encode: (value) => table.encode(value), table };
}

/** An attribute that holds any number of attributes of one type, such as IFLA_PROP_LIST. */
export function listOf<T>(number: number, codec: Codec<T>): Codec<readonly T[]> {
  return {
    decode: (payload) =>
      decodeAttributes(payload)
        .filter((attribute) => (attribute.type & NLA_TYPE_MASK) === number)
        .map((attribute) => codec.decode(attribute.payload)),
    encode: (list) => encodeAttributes(list.map((value) => ({ type: number, payload: codec.encode(value) }))),
    table: { nameAt: () => null },
  };
}

/** All attributes of `bytes` in order; a {@link DecodeError} where one ends past them. */
export function decodeAttributes(bytes: Uint8Array): RawAttribute[] {
  const list: RawAttribute[] = [];
  let end = 0;
  for (const { start, type, payload } of walk(bytes)) {
    list.push({ type, payload });
    end = start + alignUp(nlattr.size + payload.length, NLA_ALIGNTO);
  }
  refuseRest(bytes, end);
  return list;
}

/**
 * The attributes one after another, each padded with zeros to NLA_ALIGNTO. A RangeError where one is longer
 * than nla_len, a __u16, can say.
 *
 * @param room bytes left zero before the first one
 */
export function encodeAttributes(list: readonly RawAttribute[], room = 0): Uint8Array<ArrayBuffer> {
  let size = room;
  for (const { payload } of list) size += alignUp(nlattr.size + payload.length, NLA_ALIGNTO);
  const bytes = new Uint8Array(size);
  let at = room;
  for (const { type, payload } of list) {
    if (payload.length > NLA_PAYLOAD_MAX)
      throw new RangeError(`an attribute cannot hold ${payload.length} bytes`);
    const length = nlattr.size + payload.length;
    bytes[at] = length;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = type;
    bytes[at + 3] = type >> 8;
    bytes.set(payload, at + nlattr.size);
    at += alignUp(length, NLA_ALIGNTO);
  }
  return bytes;
}

/** The attributes that are whole; stops at the first that is not. */
function* walk(bytes: Uint8Array): Generator<RawAttribute & { readonly start: number }> {
  let start = 0;
  for (let length = wholeAt(bytes, start); length > 0; length = wholeAt(bytes, start)) {
    const type = u16At(bytes, start + nlattr.offsets.nla_type);
    yield { start, type, payload: bytes.subarray(start + nlattr.size, start + length) };
    start += alignUp(length, NLA_ALIGNTO);
  }
}

/** nla_len of the attribute at `at` if all of it is there, else 0. */
function wholeAt(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at;
  if (left < nlattr.size) return 0;
  const length = u16At(bytes, at);
  return length < nlattr.size || length > left ? 0 : length;
}

/** A {@link DecodeError} where bytes are left that are no whole attribute. */
function refuseRest(bytes: Uint8Array, at: number, start = 0): void {
  const left = bytes.length - at;
  if (left <= 0) return;
  const claimed = left < nlattr.size ? 0 : u16At(bytes, at);
  throw new DecodeError("nlattr", at - start, Math.max(claimed, nlattr.size), left);
}
