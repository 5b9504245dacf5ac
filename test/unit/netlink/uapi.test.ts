import { describe, expect, test } from "bun:test";
import { IFA } from "../../../src/netlink/address.ts";
import { decodeAttributes } from "../../../src/netlink/attribute.ts";
import { IFLA, IFLA_INFO } from "../../../src/netlink/link.ts";
import { RTA } from "../../../src/netlink/route.ts";
import * as uapi from "../../../src/netlink/uapi.ts";

const NLA_TYPE_MASK = 0x3fff;
const bytes = new Uint8Array(0);

/** The numbers that a table encodes to, in the order of the values given. */
function numbersOf(encoded: Uint8Array): number[] {
  return decodeAttributes(encoded).map(({ type }) => type & NLA_TYPE_MASK);
}

// All numbers are what gcc 12.2 makes of the headers of Linux 6.1; those that came later say so.

test("constants of linux/netlink.h, linux/rtnetlink.h, linux/if.h and sys/socket.h", () => {
  expect(uapi).toMatchObject({
    NLMSG_ERROR: 2,
    NLMSG_DONE: 3,
    NLM_F_REQUEST: 1,
    NLM_F_MULTI: 2,
    NLM_F_ACK: 4,
    NLM_F_ECHO: 8,
    NLM_F_DUMP_INTR: 16,
    NLM_F_DUMP: 768,
    NLM_F_REPLACE: 256,
    NLM_F_EXCL: 512,
    NLM_F_CREATE: 1024,
    NLM_F_APPEND: 2048,
    NLM_F_CAPPED: 256,
    NLM_F_ACK_TLVS: 512,
    NLA_F_NESTED: 32768,
    NLA_F_NET_BYTEORDER: 16384,
    RTM_NEWLINK: 16,
    RTM_DELLINK: 17,
    RTM_GETLINK: 18,
    RTM_SETLINK: 19,
    RTM_NEWADDR: 20,
    RTM_DELADDR: 21,
    RTM_GETADDR: 22,
    RTM_NEWROUTE: 24,
    RTM_DELROUTE: 25,
    RTM_GETROUTE: 26,
    RTM_NEWNEIGH: 28,
    RTM_GETNEIGH: 30,
    RTM_NEWRULE: 32,
    RTM_GETRULE: 34,
    RTM_NEWQDISC: 36,
    RTM_GETQDISC: 38,
    RTM_NEWMDB: 84,
    RTM_GETMDB: 86,
    RTM_NEWNEXTHOP: 104,
    RTM_GETNEXTHOP: 106,
    RTM_NEWLINKPROP: 108,
    RTM_DELLINKPROP: 109,
    RTM_GETVLAN: 114,
    RTMGRP_LINK: 1,
    RTEXT_FILTER_SKIP_STATS: 8,
    IFF_UP: 1,
    AF_UNSPEC: 0,
    AF_INET: 2,
    AF_BRIDGE: 7,
    AF_INET6: 10,
  });
});

describe("attribute numbers", () => {
  test("IFLA_* (linux/if_link.h)", () => {
    const encoded = IFLA.encode({
      IFLA_ADDRESS: "02:00:00:00:00:01",
      IFLA_IFNAME: "d0",
      IFLA_MTU: 0,
      IFLA_LINK: 0,
      IFLA_MASTER: 0,
      IFLA_TXQLEN: 0,
      IFLA_OPERSTATE: 0,
      IFLA_LINKINFO: {},
      IFLA_NET_NS_PID: 0,
      IFLA_IFALIAS: "",
      IFLA_AF_SPEC: bytes,
      IFLA_GROUP: 0,
      IFLA_NET_NS_FD: 0,
      IFLA_EXT_MASK: 0,
      IFLA_LINK_NETNSID: 0,
      IFLA_NEW_NETNSID: 0,
      IFLA_NEW_IFINDEX: 0,
      IFLA_PROP_LIST: [],
      IFLA_ALT_IFNAME: "",
      IFLA_PERM_ADDRESS: "02:00:00:00:00:01",
      IFLA_PARENT_DEV_NAME: "",
      IFLA_PARENT_DEV_BUS_NAME: "",
    });
    expect(numbersOf(encoded)).toEqual([
      1, 3, 4, 5, 10, 13, 16, 18, 19, 20, 26, 27, 28, 29, 37, 45, 49, 52, 53, 54, 56, 57,
    ]);
  });

  test("IFLA_NETNS_IMMUTABLE, which those do not have yet (as Linux 6.18 sends it)", () => {
    expect(numbersOf(IFLA.encode({ IFLA_NETNS_IMMUTABLE: 0 }))).toEqual([67]);
  });

  test("IFLA_INFO_* (linux/if_link.h)", () => {
    const encoded = IFLA_INFO.encode({
      IFLA_INFO_KIND: "",
      IFLA_INFO_DATA: bytes,
      IFLA_INFO_SLAVE_KIND: "",
      IFLA_INFO_SLAVE_DATA: bytes,
    });
    expect(numbersOf(encoded)).toEqual([1, 2, 4, 5]);
  });

  test("IFA_* (linux/if_addr.h)", () => {
    const encoded = IFA.encode({
      IFA_ADDRESS: "192.0.2.1",
      IFA_LOCAL: "192.0.2.1",
      IFA_LABEL: "",
      IFA_BROADCAST: "192.0.2.1",
      IFA_ANYCAST: bytes,
      IFA_CACHEINFO: { preferred: 0, valid: 0 },
      IFA_FLAGS: 0,
      IFA_RT_PRIORITY: 0,
      IFA_PROTO: 0,
    });
    expect(numbersOf(encoded)).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 11]);
  });

  test("RTA_* (linux/rtnetlink.h)", () => {
    const encoded = RTA.encode({
      RTA_DST: bytes,
      RTA_OIF: 0,
      RTA_GATEWAY: "192.0.2.1",
      RTA_PRIORITY: 0,
      RTA_PREFSRC: "192.0.2.1",
      RTA_METRICS: bytes,
      RTA_MULTIPATH: bytes,
      RTA_FLOW: 0,
      RTA_CACHEINFO: bytes,
      RTA_TABLE: 0,
      RTA_VIA: bytes,
      RTA_PREF: 0,
      RTA_ENCAP: bytes,
      RTA_EXPIRES: 0,
      RTA_NH_ID: 0,
    });
    expect(numbersOf(encoded)).toEqual([1, 4, 5, 6, 7, 8, 9, 11, 12, 15, 18, 20, 22, 23, 30]);
  });
});
