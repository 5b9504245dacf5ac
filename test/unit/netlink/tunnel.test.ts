import { describe, expect, test } from "bun:test";
import { encodeAttributes } from "../../../src/netlink/attribute.ts";
import { wayOf } from "../../../src/netlink/tunnel.ts";

// IFLA_INFO_DATA with the numbers of linux/if_link.h and linux/if_tunnel.h.

const device = Uint8Array.of(8, 0, 0, 0);
const none = Uint8Array.of(0, 0, 0, 0);
const there = Uint8Array.of(192, 0, 2, 9);
const here = Uint8Array.of(192, 0, 2, 1);
const there6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
const mark = Uint8Array.of(5, 0, 0, 0);

function wayOfData(kind: string, data: Readonly<Record<number, Uint8Array>>) {
  const attributes = Object.entries(data).map(([type, payload]) => ({ type: Number(type), payload }));
  return wayOf(kind, encodeAttributes(attributes));
}

test.each([
  ["vxlan", { 2: there, 3: device }],
  ["gre", { 1: device, 7: there }],
  ["gretap", { 1: device, 7: there }],
  ["ip6gre", { 1: device, 7: there6 }],
  ["ipip", { 1: device, 3: there }],
  ["sit", { 1: device, 3: there }],
  ["ip6tnl", { 1: device, 3: there6 }],
  ["vti", { 1: device, 5: there }],
])("a %s that is bound to a device sends by it, wherever its other end is", (kind, data) => {
  expect(wayOfData(kind, data)).toEqual({ underlay: 8, remote: null });
});

test.each([
  ["vxlan", { 2: there, 4: here }, { address: "192.0.2.9", source: "192.0.2.1", mark: 0 }],
  ["vxlan", { 16: there6, 17: there6 }, { address: "2001:db8::9", source: "2001:db8::9", mark: 0 }],
  ["vxlan", { 2: there, 3: none }, { address: "192.0.2.9", source: null, mark: 0 }],
  ["geneve", { 2: there }, { address: "192.0.2.9", source: null, mark: 0 }],
  ["geneve", { 7: there6 }, { address: "2001:db8::9", source: null, mark: 0 }],
  ["gre", { 1: none, 6: here, 7: there, 20: mark }, { address: "192.0.2.9", source: "192.0.2.1", mark: 5 }],
  ["ip6gretap", { 6: there6, 7: there6 }, { address: "2001:db8::9", source: "2001:db8::9", mark: 0 }],
  ["ipip", { 2: none, 3: there, 20: mark }, { address: "192.0.2.9", source: null, mark: 5 }],
  ["ip6tnl", { 3: there6 }, { address: "2001:db8::9", source: null, mark: 0 }],
  ["vti6", { 5: there6, 6: mark }, { address: "2001:db8::9", source: null, mark: 5 }],
])("a %s that is bound to no device sends to its other end", (kind, data, remote) => {
  expect(wayOfData(kind, data)).toEqual({ underlay: null, remote });
});

describe("no way is told by", () => {
  test.each([
    ["a vxlan with many other ends", "vxlan", {}],
    ["a sit device that takes packets from anywhere", "sit", { 2: none, 3: none }],
    ["an address of a length that none has", "gre", { 7: Uint8Array.of(1, 2, 3) }],
    [
      "a kind whose attributes of those numbers mean other things",
      "macvlan",
      { 1: device, 3: device, 7: there },
    ],
  ])("%s", (_, kind, data) => expect(wayOfData(kind, data)).toEqual({ underlay: null, remote: null }));

  test("a device without a kind, and a tunnel without data", () => {
    expect(wayOf(undefined, undefined)).toEqual({ underlay: null, remote: null });
    expect(wayOf("vxlan", undefined)).toEqual({ underlay: null, remote: null });
  });
});
