import { type Pointer, ptr } from "bun:ffi";

/** Memory that libc may read and write: the same bytes as an array, as a view, and as an address. */
export interface Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Valid for as long as this object is reachable: a number keeps nothing alive. */
  readonly address: Pointer;
}

/**
 * Allocates `size` zeroed bytes that never move.
 *
 * The ArrayBuffer is made first and all views over it: JavaScriptCore moves a typed array of up to 1000
 * bytes that was made otherwise when something first asks for its `.buffer`, and an address taken before
 * would then point at freed memory.
 */
export function allocate(size: number): Memory {
  const buffer = new ArrayBuffer(size);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer), address: ptr(buffer) };
}

/** Puts `text` and a NUL at the start of `memory`. Throws a RangeError where it holds a NUL or does not fit. */
export function putCString(memory: Memory, text: string): void {
  if (text.includes("\0")) throw new RangeError(`${JSON.stringify(text)} holds a NUL`);
  const { read, written } = new TextEncoder().encodeInto(text, memory.bytes);
  if (read < text.length || written === memory.bytes.length) {
    throw new RangeError(`${JSON.stringify(text)} is longer than ${memory.bytes.length - 1} bytes`);
  }
  memory.bytes[written] = 0;
}

/**
 * A NUL-terminated copy of `text` for a `const char *`: pass its `bytes`, which live for as long as the call,
 * and not its address. Throws a RangeError where `text` holds a NUL.
 */
export function cString(text: string): Memory {
  if (text.includes("\0")) throw new RangeError(`${JSON.stringify(text)} holds a NUL`);
  const encoded = new TextEncoder().encode(text);
  const memory = allocate(encoded.length + 1);
  memory.bytes.set(encoded);
  return memory;
}
