import { expect, test } from "bun:test";
import { encodeAttributes, u16 } from "../../../src/netlink/attribute.ts";
import { br_vlan_msg, decodePortVlans, getPortVlans } from "../../../src/netlink/bridge-vlan.ts";

test("struct br_vlan_msg (linux/if_bridge.h) is laid out as gcc 12.2 does", () => {
  expect(br_vlan_msg.size).toBe(8);
  expect(br_vlan_msg.offsets).toEqual({ family: 0, reserved1: 1, reserved2: 2, ifindex: 4 });
});

test("what is asked for are the VLANs of one port (AF_BRIDGE)", () => {
  expect(getPortVlans(7).payload.toHex()).toBe("0700000007000000");
});

test("each entry is a VLAN, or the first of a range", () => {
  const [BRIDGE_VLANDB_ENTRY, INFO, RANGE, PVID, UNTAGGED] = [1, 1, 2, 2, 4];
  const entry = (flags: number, vid: number, last: number | null) => {
    const info = new Uint8Array([...u16.encode(flags), ...u16.encode(vid)]);
    const range = last === null ? [] : [{ type: RANGE, payload: u16.encode(last) }];
    return {
      type: BRIDGE_VLANDB_ENTRY | 0x8000,
      payload: encodeAttributes([{ type: INFO, payload: info }, ...range]),
    };
  };
  const entries = encodeAttributes([entry(PVID | UNTAGGED, 7, null), entry(0, 100, 105)]);
  const payload = new Uint8Array([...getPortVlans(7).payload, ...entries]);
  expect(decodePortVlans(payload)).toEqual([
    { first: 7, last: 7, pvid: true, untagged: true },
    { first: 100, last: 105, pvid: false, untagged: false },
  ]);
  expect(decodePortVlans(getPortVlans(7).payload)).toEqual([]);
});
