/**
 * Canonical `0000:03:00.0` of a PCI address, in upper or lower case, with or without its domain, or null where
 * `text` is none.
 */
export function parsePci(text: string): string | null {
  const parts = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i.exec(text);
  if (parts === null) return null;
  const [domain = 0, bus = 0, device = 0] = parts.slice(1, 4).map((part) => Number.parseInt(part ?? "0", 16));
  // PCI_SLOT() has five bits.
  if (device > 0x1f) return null;
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${parts[4]}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
