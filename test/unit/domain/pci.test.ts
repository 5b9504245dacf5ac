import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parsePci } from "../../../src/domain/pci.ts";

describe("parsePci", () => {
  test.each([
    ["0000:03:00.0", "0000:03:00.0"],
    ["03:00.0", "0000:03:00.0"],
    ["3:0.7", "0000:03:00.7"],
    ["0000:AF:1F.1", "0000:af:1f.1"],
    // Behind Intel's VMD.
    ["10000:e1:00.0", "10000:e1:00.0"],
    ["00010000:e1:00.0", "10000:e1:00.0"],
  ])("%p is %p", (text, canonical) => expect(parsePci(text)).toBe(canonical));

  test.each([
    "",
    "0000:03:00",
    "0000:03:00.8",
    "0000:03:20.0",
    "0000:103:00.0",
    "000000000:03:00.0",
    "pci-0000:03:00.0",
    "0000:03:00.0 ",
    "0000:03:*",
    "virtio0",
    "02:00:00:00:00:01",
  ])("%p is none", (text) => expect(parsePci(text)).toBeNull());

  test("is as the kernel writes it, whatever it was written from", () => {
    const part = fc.record({ domain: fc.nat(0xffff), bus: fc.nat(0xff), slot: fc.nat(0x1f), fn: fc.nat(7) });
    fc.assert(
      fc.property(part, fc.boolean(), ({ domain, bus, slot, fn }, upper) => {
        const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
        // pci_setup_device(): "%04x:%02x:%02x.%d".
        const kernel = `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${fn}`;
        const short = `${hex(domain, 1)}:${hex(bus, 1)}:${hex(slot, 1)}.${fn}`;
        expect(parsePci(upper ? kernel.toUpperCase() : kernel)).toBe(kernel);
        expect(parsePci(short)).toBe(kernel);
      }),
    );
  });
});
