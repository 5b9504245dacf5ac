/**
 * Numbers of a message, read where they stand: a DataView for each part of a message takes longer than to read it. Past
 * the end there are zeros: whoever asks knows the length.
 */

/** A __u16. */
export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** A __u32. */
export function u32At(bytes: Uint8Array, at: number): number {
  return (u16At(bytes, at) | (u16At(bytes, at + 2) << 16)) >>> 0;
}
