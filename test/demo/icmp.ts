import { struct } from "../../ffi/layout.ts";

/** struct icmphdr (linux/icmp.h), struct icmp6hdr (linux/icmpv6.h): of an echo they are the same. */
const icmphdr = struct("icmphdr", {
  type: "u8",
  code: "u8",
  checksum: "be16",
  identifier: "be16",
  sequence: "be16",
});

/** Of `[request, reply]`: RFC 792, and RFC 4443, 4.1. */
const TYPES = { inet: [8, 0], inet6: [128, 129] } as const;

/** One echo: a raw socket hears of all, so each is told by its numbers. */
export interface Echo {
  readonly family: keyof typeof TYPES;
  readonly identifier: number;
  readonly sequence: number;
}

/** The message of an echo request. The checksum is that of IPv4; for IPv6 the kernel puts in its own. */
export function echoRequest({ family, identifier, sequence }: Echo): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(icmphdr.size));
  const header = { type: TYPES[family][0], identifier, sequence };
  const view = new DataView(bytes.buffer);
  icmphdr.encode(header, view, 0);
  icmphdr.encode({ ...header, checksum: internetChecksum(view) }, view, 0);
  return bytes;
}

/** Whether what a raw socket received answers `echo`: for IPv4 the IP header comes with it (raw(7)). */
export function answers(packet: Uint8Array, { family, identifier, sequence }: Echo): boolean {
  // IHL, the low half of the first byte, counts 32-bit words (RFC 791, 3.1).
  const start = family === "inet" ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
  if (packet.length < start + icmphdr.size) return false;
  const header = icmphdr.decode(new DataView(packet.buffer, packet.byteOffset), start);
  return header.type === TYPES[family][1] && header.identifier === identifier && header.sequence === sequence;
}

/** RFC 1071, of an even number of bytes. */
export function internetChecksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
