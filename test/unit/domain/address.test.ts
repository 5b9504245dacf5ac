import { describe, expect, test } from "bun:test";
import { addressKey, addressText, isSameKey } from "../../../src/domain/address.ts";
import { addressOf } from "./samples.ts";

describe("addressText", () => {
  test.each([
    [addressOf("192.0.2.1/24"), "192.0.2.1/24"],
    [addressOf("2001:db8::1/64"), "2001:db8::1/64"],
    [addressOf("192.0.2.1/32", { peer: "192.0.2.9" }), "192.0.2.1 peer 192.0.2.9/32"],
  ])("%#", (address, text) => expect(addressText(address)).toBe(text));
});

describe("addressKey", () => {
  const plain = addressOf("192.0.2.1/24");

  test("IPv4: the same address with another prefix or peer is another one", () => {
    const others = [addressOf("192.0.2.1/32"), { ...plain, peer: "192.0.2.9" }, addressOf("192.0.2.2/24")];
    expect(new Set([plain, ...others].map(addressKey)).size).toBe(4);
  });

  test("IPv6: it is not, for the kernel keeps each address once", () => {
    const one = addressOf("2001:db8::1/64");
    expect(addressKey(addressOf("2001:db8::1/128"))).toBe(addressKey(one));
    expect(addressKey({ ...one, peer: "2001:db8::9" })).toBe(addressKey(one));
    expect(addressKey(addressOf("2001:db8::2/64"))).not.toBe(addressKey(one));
  });

  test("what else is said of an address makes no other of it", () => {
    expect(addressKey({ ...plain, label: "x", flags: 0, metric: 5, scope: 253 })).toBe(addressKey(plain));
  });

  test("two addresses have the same key where isSameKey() says so", () => {
    const locals = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
    const list = locals.flatMap((local) =>
      [24, 32].flatMap((length) =>
        [null, "192.0.2.9"].map((peer) => ({ ...addressOf(`${local}/${length}`), peer })),
      ),
    );
    for (const one of list) {
      for (const other of list) expect(isSameKey(one, other)).toBe(addressKey(one) === addressKey(other));
    }
  });
});
