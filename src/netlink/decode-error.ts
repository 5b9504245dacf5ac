/** Bytes that are not what the kernel's headers say they should be. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** The C struct or attribute that was being read. */
  readonly struct: string;
  /** Where in the bytes given, from their start. */
  readonly offset: number;
  /** Bytes that were needed there. */
  readonly need: number;
  /** Bytes that were there. */
  readonly got: number;

  constructor(struct: string, offset: number, need: number, got: number) {
    super(`${struct} at offset ${offset} needs ${need} bytes, and ${got} are there`);
    this.struct = struct;
    this.offset = offset;
    this.need = need;
    this.got = got;
  }
}

/** A DataView of exactly the bytes of `bytes`, or a {@link DecodeError} where they are fewer than `need`. */
export function viewOf(struct: string, bytes: Uint8Array, need: number): DataView {
  if (bytes.length < need) throw new DecodeError(struct, 0, need, bytes.length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
