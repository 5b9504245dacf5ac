import { describe, expect, test } from "bun:test";
import type { MulticastGroup } from "../../src/domain/multicast-group.ts";
import { NO_CHANGE } from "../../src/domain/step.ts";
import { addPortVlans, deletePortVlans } from "../../src/netlink/bridge-vlan.ts";
import { changeLink, linkMessage } from "../../src/netlink/link.ts";
import { addGroup, decodeGroups, getGroups } from "../../src/netlink/multicast-group.ts";
import { brport, changePort, decodePort } from "../../src/netlink/port.ts";
import { captured, hex, replay, sent } from "./wire.ts";

const FILE = "bridge-port.txt";

describe("the same bytes", () => {
  test("join", () => {
    const change = { ...NO_CHANGE, master: 9 };
    const ours = sent((connection) => connection.request(changeLink(7, change, null, "join")));
    expect(hex(ours)).toEqual(hex(captured(FILE, "join")));
  });

  test("set", () => {
    const settings = { priority: 9, cost: 7, hairpin: 1, group_fwd_mask: 0x4000, isolated: 1 };
    const ours = sent((connection) => connection.request(changePort(7, "bridge", settings, "set")));
    const theirs = captured(FILE, "set");
    // ip calls the kind of the device "bridge_slave", which there is not; the kernel looks at what it is a port of.
    const told = (payload: Uint8Array) => {
      const { header, values } = linkMessage.decode(payload);
      return {
        header,
        settings: brport.decode(values.IFLA_LINKINFO?.IFLA_INFO_SLAVE_DATA ?? new Uint8Array()),
      };
    };
    expect({ ...ours, payload: told(ours.payload) }).toEqual({ ...theirs, payload: told(theirs.payload) });
    expect(told(theirs.payload).settings).toEqual(settings);
  });
});

describe("VLANs of a port: the same bytes", () => {
  const vlan = { first: 7, last: 7, pvid: false, untagged: false };
  test.each([
    ["VLAN with pvid", addPortVlans(7, [{ ...vlan, pvid: true, untagged: true }], "add")],
    ["VLANs in a range", addPortVlans(7, [{ ...vlan, first: 100, last: 105 }], "add")],
    // What a VLAN was makes no difference to its being taken.
    ["no VLAN", deletePortVlans(7, [{ first: 1, last: 1, pvid: true, untagged: true }], "delete")],
  ])("%s", (name, request) => {
    expect(hex(sent((connection) => connection.request(request)))).toEqual(hex(captured(FILE, name)));
  });
});

test("a port as the kernel tells it", () => {
  expect(decodePort(captured(FILE, "a port of which much is set").payload)).toEqual({
    settings: {
      state: 0,
      priority: 9,
      cost: 7,
      hairpin: 1,
      guard: 0,
      root_block: 0,
      fastleave: 0,
      learning: 0,
      flood: 1,
      proxy_arp: 0,
      proxy_arp_wifi: 0,
      mcast_router: 2,
      mcast_flood: 1,
      mcast_to_unicast: 0,
      vlan_tunnel: 0,
      bcast_flood: 1,
      group_fwd_mask: 0x4000,
      neigh_suppress: 0,
      isolated: 0,
      mcast_eht_hosts_limit: 512,
      locked: 0,
      mab: 0,
      mcast_max_groups: 0,
      neigh_vlan_suppress: 0,
    },
  });
});

const group: MulticastGroup = {
  address: "239.1.1.2",
  vlan: 7,
  source: "192.0.2.1",
  mode: null,
  sources: [],
  protocol: 4,
};

describe("multicast groups: the same but for the flags, which say what to do with one that is there", () => {
  test.each([
    ["multicast group", group],
    ["multicast group of Ethernet", { ...group, address: "01:00:5e:01:02:03", vlan: 0, source: null }],
  ])("%s", (name, one) => {
    const ours = sent((connection) => connection.request(addGroup(9, 7, one, "add")));
    const theirs = captured(FILE, name);
    expect(ours.type).toBe(theirs.type);
    expect(ours.payload.toHex()).toBe(theirs.payload.toHex());
  });
});

test("multicast groups as the kernel tells them: of that port, and those that are there for good", () => {
  const name = "multicast groups as they are told";
  const [message] = replay(FILE, name, (connection) => connection.dump(getGroups()));
  const payload = message?.payload ?? new Uint8Array();
  const told = { ...group, vlan: 0, source: null };
  expect(decodeGroups(payload, 7)).toEqual([
    { ...told, address: "01:00:5e:01:02:03" },
    { ...told, address: "239.1.1.2", source: "192.0.2.1" },
    { ...told, address: "ff05::1234", vlan: 7 },
  ]);
  expect(decodeGroups(payload, 8)).toEqual([{ ...told, address: "239.1.1.3" }]);
  expect(decodeGroups(payload, 9)).toEqual([]);
});

test("a device that is no port has no settings as one", () => {
  expect(decodePort(captured("link-replies.txt", "ifb").payload)).toBeNull();
  expect(decodePort(captured("link-replies.txt", "lo").payload)).toBeNull();
});
