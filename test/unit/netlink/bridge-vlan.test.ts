import { expect, test } from "bun:test";
import { encodeAttributes, u16, u32 } from "../../../src/netlink/attribute.ts";
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

test("options of a VLAN are what is not as every VLAN begins", () => {
  const [BRIDGE_VLANDB_ENTRY, INFO, STATE, TUNNEL_INFO, MCAST_ROUTER, MAX_GROUPS, NEIGH_SUPPRESS] = [
    1, 1, 3, 4, 6, 8, 9,
  ];
  const info = { type: INFO, payload: new Uint8Array([0, 0, ...u16.encode(7)]) };
  const optionsOf = (...more: { type: number; payload: Uint8Array }[]) => {
    const entry = { type: BRIDGE_VLANDB_ENTRY | 0x8000, payload: encodeAttributes([info, ...more]) };
    const payload = new Uint8Array([...getPortVlans(7).payload, ...encodeAttributes([entry])]);
    return decodePortVlans(payload).map(({ options }) => options);
  };
  const one = (type: number, value: number) => ({ type, payload: new Uint8Array([value]) });
  const tunnel = {
    type: TUNNEL_INFO | 0x8000,
    payload: encodeAttributes([{ type: 1, payload: u32.encode(1003) }]),
  };
  const none = { type: MAX_GROUPS, payload: u32.encode(0) };
  expect(optionsOf(one(STATE, 3), one(MCAST_ROUTER, 1), none, one(NEIGH_SUPPRESS, 0))).toEqual([undefined]);
  expect(
    optionsOf(
      one(STATE, 4),
      tunnel,
      one(MCAST_ROUTER, 2),
      { type: MAX_GROUPS, payload: u32.encode(5) },
      one(NEIGH_SUPPRESS, 1),
    ),
  ).toEqual(["tunnel_info id 1003, state blocking, mcast_router 2, mcast_max_groups 5, neigh_suppress on"]);
});
