/** Scalar types of C structs. `be*` are in network order; everything else in the machine's. */
export type Scalar = "u8" | "u16" | "i16" | "u32" | "i32" | "u64" | "be16" | "be32";

const SIZES: Readonly<Record<Scalar, number>> = {
  u8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  be16: 2,
  be32: 4,
};

/** A C struct: its size, and how to read and write one at an offset. */
export interface Struct<T> {
  /** The tag in the header file, for messages. */
  readonly name: string;
  /** sizeof, bytes; trailing padding included. */
  readonly size: number;
  /** offsetof each member. */
  readonly offsets: Readonly<Record<keyof T, number>>;
  /** Reads the struct at `offset`; a RangeError where `view` ends before it does. */
  decode(view: DataView, offset: number): T;
  /** Writes all `size` bytes at `offset`, padding as zeros. Members left out are 0. */
  encode(value: Partial<T>, view: DataView, offset: number): void;
}

/**
 * Declares a C struct by its members in order, with C's natural alignment (x86-64 and arm64, little endian).
 *
 * `u64` members are plain numbers: those used here are addresses and lengths, below 2^53.
 */
export function struct<const Members extends Readonly<Record<string, Scalar>>>(
  name: string,
  members: Members,
): Struct<{ [Member in keyof Members]: number }> {
  type Value = { [Member in keyof Members]: number };
  const keys: (keyof Members & string)[] = Object.keys(members);
  const fields: { key: keyof Members; type: Scalar; offset: number }[] = [];
  let end = 0;
  let alignment = 1;
  for (const key of keys) {
    const type = members[key];
    if (type === undefined) continue;
    const size = SIZES[type];
    const offset = alignUp(end, size);
    fields.push({ key, type, offset });
    end = offset + size;
    alignment = Math.max(alignment, size);
  }
  const size = alignUp(end, alignment);
  return {
    name,
    size,
    // Object.fromEntries forgets its keys' names; they are exactly those of `members`.
    offsets: Object.fromEntries(fields.map((field) => [field.key, field.offset])) as Record<
      keyof Value,
      number
    >,
    decode(view, offset) {
      const value = {} as Value;
      for (const field of fields) value[field.key] = readScalar(view, offset + field.offset, field.type);
      return value;
    },
    encode(value, view, offset) {
      for (let at = 0; at < size; at++) view.setUint8(offset + at, 0);
      for (const field of fields) writeScalar(view, offset + field.offset, field.type, value[field.key] ?? 0);
    },
  };
}

/** The next multiple of `alignment`, which is a power of two, that is not below `value`. */
export function alignUp(value: number, alignment: number): number {
  return (value + alignment - 1) & ~(alignment - 1);
}

/** Reads one scalar; a RangeError past the end of `view`. */
export function readScalar(view: DataView, offset: number, type: Scalar): number {
  switch (type) {
    case "u8":
      return view.getUint8(offset);
    case "u16":
      return view.getUint16(offset, true);
    case "i16":
      return view.getInt16(offset, true);
    case "u32":
      return view.getUint32(offset, true);
    case "i32":
      return view.getInt32(offset, true);
    case "u64":
      return Number(view.getBigUint64(offset, true));
    case "be16":
      return view.getUint16(offset, false);
    case "be32":
      return view.getUint32(offset, false);
  }
}

/** Writes one scalar; a RangeError past the end of `view`. */
export function writeScalar(view: DataView, offset: number, type: Scalar, value: number): void {
  switch (type) {
    case "u8":
      view.setUint8(offset, value);
      return;
    case "u16":
      view.setUint16(offset, value, true);
      return;
    case "i16":
      view.setInt16(offset, value, true);
      return;
    case "u32":
      view.setUint32(offset, value, true);
      return;
    case "i32":
      view.setInt32(offset, value, true);
      return;
    case "u64":
      view.setBigUint64(offset, BigInt(value), true);
      return;
    case "be16":
      view.setUint16(offset, value, false);
      return;
    case "be32":
      view.setUint32(offset, value, false);
      return;
  }
}

/** Bytes that one scalar takes. */
export function scalarSize(type: Scalar): number {
  return SIZES[type];
}
