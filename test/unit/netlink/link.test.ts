import { describe, expect, test } from "bun:test";
import { encodeAttributes } from "../../../src/netlink/attribute.ts";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import {
  addAltname,
  changeLink,
  decodeLink,
  deleteAltname,
  getLink,
  getLinkByName,
  getLinks,
  ifinfomsg,
  linkMessage,
} from "../../../src/netlink/link.ts";
import { RTM_GETLINK, RTM_NEWLINK } from "../../../src/netlink/uapi.ts";

const NOTHING = {
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
const IFF_UP = 1;

type LinkValues = Parameters<typeof linkMessage.encode>[1];

function decoded(values: LinkValues, header: Parameters<typeof linkMessage.encode>[0] = {}) {
  return decodeLink(linkMessage.encode({ ifi_index: 7, ifi_type: 1, ...header }, values));
}

test("struct ifinfomsg (linux/rtnetlink.h) is laid out as gcc 12.2 does", () => {
  expect(ifinfomsg.size).toBe(16);
  expect(ifinfomsg.offsets).toEqual({
    ifi_family: 0,
    __ifi_pad: 1,
    ifi_type: 2,
    ifi_index: 4,
    ifi_flags: 8,
    ifi_change: 12,
  });
});

describe("changeLink", () => {
  test("of nothing touches nothing: no attribute, no flag", () => {
    const request = changeLink(7, NOTHING, null, "change");
    expect(linkMessage.decode(request.payload)).toEqual({
      header: { ifi_family: 0, __ifi_pad: 0, ifi_type: 0, ifi_index: 7, ifi_flags: 0, ifi_change: 0 },
      values: {},
      unknown: [],
    });
    expect({ type: request.type, flags: request.flags }).toEqual({ type: RTM_NEWLINK, flags: 0 });
  });

  test("of one thing touches that alone", () => {
    const { header, values } = linkMessage.decode(
      changeLink(7, { ...NOTHING, mtu: 1400 }, null, "change").payload,
    );
    expect({ values, change: header.ifi_change }).toEqual({ values: { IFLA_MTU: 1400 }, change: 0 });
  });

  test("up and down say which flag they mean", () => {
    const flags = [true, false].map((up) => {
      const { header } = linkMessage.decode(changeLink(7, { ...NOTHING, up }, null, "change").payload);
      return { flags: header.ifi_flags, change: header.ifi_change };
    });
    expect(flags).toEqual([
      { flags: IFF_UP, change: IFF_UP },
      { flags: 0, change: IFF_UP },
    ]);
  });

  test("0 is a value, not the lack of one", () => {
    const { values } = linkMessage.decode(
      changeLink(7, { ...NOTHING, txqueuelen: 0, group: 0, alias: "" }, null, "change").payload,
    );
    expect(values).toEqual({ IFLA_TXQLEN: 0, IFLA_GROUP: 0, IFLA_IFALIAS: "" });
  });

  test("a move may ask for an ifindex, and does not by itself", () => {
    const valuesOf = (newIfindex: number | null) =>
      linkMessage.decode(changeLink(7, NOTHING, { namespace: 4, newIfindex }, "move").payload).values;
    expect(valuesOf(9)).toEqual({ IFLA_NET_NS_FD: 4, IFLA_NEW_IFINDEX: 9 });
    expect(valuesOf(null)).toEqual({ IFLA_NET_NS_FD: 4 });
  });
});

test("every request says in words what it is about", () => {
  expect([getLink(7), getLinkByName("eth0"), getLinks()].map(({ about }) => about)).toEqual([
    "look at device 7",
    "look at device eth0",
    "list devices",
  ]);
  expect(addAltname(7, "a", "give eth0 the altname a").about).toBe("give eth0 the altname a");
  expect(deleteAltname(7, "a", "take the altname a from eth0").about).toBe("take the altname a from eth0");
  expect(getLink(7).type).toBe(RTM_GETLINK);
});

describe("decodeLink", () => {
  test("a device of which little is told", () => {
    expect(decoded({ IFLA_IFNAME: "d0" })).toEqual({
      ifindex: 7,
      name: "d0",
      altnames: [],
      alias: null,
      kind: null,
      type: 1,
      mac: null,
      permanentMac: null,
      mtu: 0,
      txqueuelen: 0,
      group: 0,
      flags: 0,
      up: false,
      operstate: "unknown",
      link: null,
      linkNetnsid: null,
      master: null,
      slaveKind: null,
      underlay: null,
      remote: null,
      parentBus: null,
      parentDev: null,
      netnsImmutable: null,
    });
  });

  test("a physical device", () => {
    const device = decoded(
      {
        IFLA_IFNAME: "ens4",
        IFLA_ADDRESS: "02:00:00:00:00:2a",
        IFLA_PERM_ADDRESS: "02:00:00:00:00:01",
        IFLA_PARENT_DEV_NAME: "0000:00:04.0",
        IFLA_PARENT_DEV_BUS_NAME: "pci",
        IFLA_OPERSTATE: 6,
        IFLA_NETNS_IMMUTABLE: 0,
      },
      { ifi_flags: 0x11043 },
    );
    expect(device).toMatchObject({
      name: "ens4",
      kind: null,
      mac: "02:00:00:00:00:2a",
      permanentMac: "02:00:00:00:00:01",
      parentBus: "pci",
      parentDev: "0000:00:04.0",
      up: true,
      operstate: "up",
      netnsImmutable: false,
    });
  });

  test.each([
    { number: 0, operstate: "unknown" },
    { number: 1, operstate: "notpresent" },
    { number: 2, operstate: "down" },
    { number: 3, operstate: "lowerlayerdown" },
    { number: 4, operstate: "testing" },
    { number: 5, operstate: "dormant" },
    { number: 6, operstate: "up" },
    { number: 7, operstate: "unknown" },
    { number: 255, operstate: "unknown" },
  ])("operstate $number is $operstate (linux/if.h)", ({ number, operstate }) => {
    expect(decoded({ IFLA_IFNAME: "d0", IFLA_OPERSTATE: number }).operstate).toBe(operstate);
  });

  test("an ifindex of 0 is no device", () => {
    const device = decoded({ IFLA_IFNAME: "d0", IFLA_LINK: 0, IFLA_MASTER: 0 });
    expect({ link: device.link, master: device.master }).toEqual({ link: null, master: null });
  });

  test("netnsid 0 is a namespace", () => {
    expect(decoded({ IFLA_IFNAME: "d0", IFLA_LINK: 8, IFLA_LINK_NETNSID: 0 }).linkNetnsid).toBe(0);
  });

  test("the way of a tunnel is part of its device", () => {
    const data = encodeAttributes([{ type: 3, payload: Uint8Array.of(8, 0, 0, 0) }]);
    const of = (kind: string) =>
      decoded({ IFLA_IFNAME: "d0", IFLA_LINKINFO: { IFLA_INFO_KIND: kind, IFLA_INFO_DATA: data } }).underlay;
    expect([of("vxlan"), of("macvlan")]).toEqual([8, null]);
  });

  test("a device without a name is a DecodeError", () => {
    expect(() => decoded({ IFLA_MTU: 1500 })).toThrow(DecodeError);
  });
});
