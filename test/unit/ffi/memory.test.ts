import { ptr, read } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { allocate, cString, putCString } from "../../../ffi/memory.ts";

describe("allocate", () => {
  test("never moves: not by its views, not by the collector, from 1 to 2000 bytes", () => {
    const moved: number[] = [];
    for (let size = 1; size <= 2_000; size++) {
      const memory = allocate(size);
      memory.bytes[size - 1] = size % 251;
      // Each of these makes JavaScriptCore move a small typed array that was not made over an ArrayBuffer.
      const touched = [memory.bytes.buffer, memory.bytes.subarray(0, 1), new DataView(memory.bytes.buffer)];
      if (size % 50 === 0) Bun.gc(true);
      memory.view.setUint8(0, size % 13);
      const last = size === 1 ? size % 13 : size % 251;
      const same =
        ptr(memory.bytes) === memory.address &&
        read.u8(memory.address, 0) === size % 13 &&
        read.u8(memory.address, size - 1) === last &&
        touched.length === 3;
      if (!same) moved.push(size);
    }
    expect(moved).toEqual([]);
  });

  test("is needed: a typed array made otherwise does move", () => {
    const bytes = new Uint8Array(64);
    const before = ptr(bytes);
    expect(bytes.buffer.byteLength).toBe(64);
    expect(ptr(bytes)).not.toBe(before);
  });

  test("gives zeroed bytes, however much garbage was there before", () => {
    for (let time = 0; time < 1_000; time++) {
      const { bytes } = allocate(256);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      bytes.fill(0xff);
      if (time % 100 === 0) Bun.gc(true);
    }
  });

  test("keeps what is held: the collector takes nothing that is reachable", () => {
    const held = Array.from({ length: 2_000 }, (_, at) => {
      const memory = allocate(64);
      memory.view.setUint32(60, at, true);
      return memory;
    });
    for (let time = 0; time < 5; time++) {
      Array.from({ length: 2_000 }, () => new Uint8Array(64).fill(0xee));
      Bun.gc(true);
    }
    expect(held.every(({ address }, at) => read.u32(address, 60) === at)).toBe(true);
  });
});

describe("cString", () => {
  test.each([
    { text: "", hex: "00" },
    { text: "eth0", hex: "6574683000" },
    { text: "ü", hex: "c3bc00" },
  ])("$text ends with a NUL", ({ text, hex }) => {
    const memory = cString(text);
    expect(memory.bytes.toHex()).toBe(hex);
    expect(read.u8(memory.address, memory.bytes.length - 1)).toBe(0);
  });

  test("a NUL within would end it early: RangeError", () => {
    expect(() => cString("/run/netns/a\0b")).toThrow(new RangeError('"/run/netns/a\\u0000b" holds a NUL'));
  });
});

describe("putCString", () => {
  test("puts the text and its NUL over what was there", () => {
    const memory = allocate(8);
    memory.bytes.fill(0xff);
    putCString(memory, "döt");
    expect(Array.from(memory.bytes)).toEqual([0x64, 0xc3, 0xb6, 0x74, 0, 0xff, 0xff, 0xff]);
  });

  test.each(["12345678", "1234567890", "1234567ö", "a\0b"])("refuses what does not fit: %j", (text) => {
    expect(() => putCString(allocate(8), text)).toThrow(RangeError);
  });

  test("takes what just fits", () => {
    const memory = allocate(8);
    putCString(memory, "1234567");
    expect(memory.bytes[7]).toBe(0);
  });
});
