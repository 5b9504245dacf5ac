import { describe, expect, test } from "bun:test";
import type { LinkChange } from "../../src/domain/step.ts";
import type { Request } from "../../src/netlink/connection.ts";
import {
  addAltname,
  changeLink,
  deleteAltname,
  getLink,
  getLinkByName,
  getLinks,
  linkMessage,
  type Move,
} from "../../src/netlink/link.ts";
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  RTEXT_FILTER_SKIP_STATS,
} from "../../src/netlink/uapi.ts";
import { captured, hex, sent } from "./wire.ts";

const FILE = "link-requests.txt";
const IFINDEX = 2;
/** The number that ip's open file of the namespace had. */
const NAMESPACE_FD = 4;
const RTEXT_FILTER_VF = 1;
const AF_PACKET = 17;
const NLM_F_APPEND = 0x800;
const NO_HEADER = { ifi_family: 0, __ifi_pad: 0, ifi_type: 0, ifi_index: 0, ifi_flags: 0, ifi_change: 0 };

function change(wish: Partial<LinkChange>, move: Move | null = null): Request {
  const nothing = {
    name: null,
    mtu: null,
    mac: null,
    alias: null,
    txqueuelen: null,
    group: null,
    master: null,
    flags: null,
    up: null,
  };
  return changeLink(IFINDEX, { ...nothing, ...wish }, move, "change");
}

const toPeer: Move = { namespace: NAMESPACE_FD, newIfindex: null };

describe("the same bytes as ip(8), which say what we mean", () => {
  const cases: {
    readonly name: string;
    readonly request: Request;
    readonly header?: Partial<typeof NO_HEADER>;
    readonly values: Parameters<typeof linkMessage.encode>[1];
  }[] = [
    { name: "mtu", request: change({ mtu: 1400 }), values: { IFLA_MTU: 1400 } },
    {
      name: "address",
      request: change({ mac: "02:00:00:00:00:2a" }),
      values: { IFLA_ADDRESS: "02:00:00:00:00:2a" },
    },
    {
      name: "alias",
      request: change({ alias: "uplink of rack 7" }),
      values: { IFLA_IFALIAS: "uplink of rack 7" },
    },
    { name: "no alias", request: change({ alias: "" }), values: { IFLA_IFALIAS: "" } },
    { name: "txqueuelen", request: change({ txqueuelen: 500 }), values: { IFLA_TXQLEN: 500 } },
    { name: "group", request: change({ group: 7 }), values: { IFLA_GROUP: 7 } },
    { name: "name", request: change({ name: "uplink0" }), values: { IFLA_IFNAME: "uplink0" } },
    { name: "up", request: change({ up: true }), header: { ifi_flags: 1, ifi_change: 1 }, values: {} },
    { name: "down", request: change({ up: false }), header: { ifi_flags: 0, ifi_change: 1 }, values: {} },
    { name: "netns", request: change({}, toPeer), values: { IFLA_NET_NS_FD: NAMESPACE_FD } },
    {
      name: "altname del",
      request: deleteAltname(IFINDEX, "enp1s0", "forget"),
      values: { IFLA_PROP_LIST: ["enp1s0"] },
    },
  ];

  test.each(cases)("$name", ({ name, request, header, values }) => {
    const theirs = captured(FILE, name);
    const expected = { header: { ...NO_HEADER, ifi_index: IFINDEX, ...header }, values, unknown: [] };
    expect(linkMessage.decode(theirs.payload)).toEqual(expected);
    expect(hex(sent((connection) => connection.request(request)))).toEqual(hex(theirs));
  });
});

test("a move with everything says the same; ip(8) sends the name last", () => {
  const theirs = captured(FILE, "move with everything");
  const wish = {
    mtu: 1400,
    mac: "02:00:00:00:00:2a",
    alias: "hello",
    txqueuelen: 500,
    group: 7,
    master: null,
    flags: null,
    name: "eth1",
    up: true,
  };
  const ours = sent((connection) => connection.request(change(wish, toPeer)));

  const decoded = linkMessage.decode(theirs.payload);
  expect(decoded).toEqual({
    header: { ...NO_HEADER, ifi_index: IFINDEX, ifi_flags: 1, ifi_change: 1 },
    values: {
      IFLA_NET_NS_FD: NAMESPACE_FD,
      IFLA_MTU: 1400,
      IFLA_ADDRESS: "02:00:00:00:00:2a",
      IFLA_IFALIAS: "hello",
      IFLA_TXQLEN: 500,
      IFLA_GROUP: 7,
      IFLA_IFNAME: "eth1",
    },
    unknown: [],
  });
  expect(linkMessage.decode(ours.payload)).toEqual(decoded);
  expect({ type: ours.type, flags: ours.flags }).toEqual({ type: theirs.type, flags: theirs.flags });
});

test("an altname is added with the same payload; ip(8) sends NLM_F_APPEND too", () => {
  const theirs = captured(FILE, "altname add");
  const ours = sent((connection) => connection.request(addAltname(IFINDEX, "enp1s0", "name")));

  expect(linkMessage.decode(theirs.payload).values).toEqual({ IFLA_PROP_LIST: ["enp1s0"] });
  expect(theirs.flags).toBe(NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
  expect(hex(ours)).toEqual(hex({ ...theirs, flags: theirs.flags & ~NLM_F_APPEND }));
});

describe("reads ask for the same device; ours want no VFs (RTEXT_FILTER_VF), and an ack", () => {
  const theirMask = { IFLA_EXT_MASK: RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS };
  const ourMask = { IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS };
  const long = "an-altname-of-26-characters";
  const cases = [
    { name: "show by ifindex", request: getLink(7), header: { ifi_index: 7 }, values: {} },
    { name: "show by name", request: getLinkByName("d0"), header: {}, values: { IFLA_IFNAME: "d0" } },
    {
      name: "show by a long altname",
      request: getLinkByName(long),
      header: {},
      values: { IFLA_ALT_IFNAME: long },
    },
  ];

  test.each(cases)("$name", ({ name, request, header, values }) => {
    const theirs = captured(FILE, name);
    const ours = sent((connection) => connection.request(request));
    const expected = { header: { ...NO_HEADER, ...header }, unknown: [] };
    expect(linkMessage.decode(theirs.payload)).toEqual({ ...expected, values: { ...theirMask, ...values } });
    expect(linkMessage.decode(ours.payload)).toEqual({ ...expected, values: { ...ourMask, ...values } });
    expect({ type: ours.type, flags: ours.flags }).toEqual({
      type: theirs.type,
      flags: theirs.flags | NLM_F_ACK,
    });
  });

  test("dump; ip(8) says AF_PACKET, which the kernel takes for AF_UNSPEC", () => {
    const theirs = captured(FILE, "dump");
    const ours = sent((connection) => connection.dump(getLinks()));
    expect(linkMessage.decode(theirs.payload)).toEqual({
      header: { ...NO_HEADER, ifi_family: AF_PACKET },
      values: { IFLA_EXT_MASK: RTEXT_FILTER_VF },
      unknown: [],
    });
    expect(linkMessage.decode(ours.payload)).toEqual({ header: NO_HEADER, values: ourMask, unknown: [] });
    expect(ours.type).toBe(theirs.type);
    expect([ours.flags, theirs.flags]).toEqual([NLM_F_REQUEST | NLM_F_DUMP, NLM_F_REQUEST | NLM_F_DUMP]);
  });
});
