/**
 * Canonical `aa:bb:cc:dd:ee:ff` of a 48-bit MAC address written with `:` or `-`, or null where it is none.
 */
export function parseMac(text: string): string | null {
  if (!/^[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\1[0-9a-fA-F]{2}){4}$/.test(text)) return null;
  return text.toLowerCase().replaceAll("-", ":");
}

/** Each byte as two digits. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Text of a link-layer address of any length, as `ip link` writes it. */
export function formatMac(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += text === "" ? HEX[byte] : `:${HEX[byte]}`;
  return text;
}

/** Bytes of what {@link formatMac} wrote. */
export function macBytes(mac: string): Uint8Array<ArrayBuffer> {
  if (mac === "") return new Uint8Array();
  return Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));
}

/** Why the kernel would refuse `mac` as a device's own address (is_valid_ether_addr), or null. */
export function macFault(mac: string): string | null {
  if (/^(00:){5}00$/.test(mac)) return "the zero address cannot be a device's own";
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) return "a multicast address cannot be a device's own";
  return null;
}
