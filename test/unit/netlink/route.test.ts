import { describe, expect, test } from "bun:test";
import { getRoutesOf, isDefaultRoute, routeMessage, rtmsg } from "../../../src/netlink/route.ts";

const [AF_INET, AF_INET6] = [2, 10];
const [RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE] = [1, 2, 6];

test("struct rtmsg (linux/rtnetlink.h) is laid out as gcc 12.2 does", () => {
  expect(rtmsg.size).toBe(12);
  expect(rtmsg.offsets).toEqual({
    rtm_family: 0,
    rtm_dst_len: 1,
    rtm_src_len: 2,
    rtm_tos: 3,
    rtm_table: 4,
    rtm_protocol: 5,
    rtm_scope: 6,
    rtm_type: 7,
    rtm_flags: 8,
  });
});

test.each([
  { family: "inet", number: AF_INET },
  { family: "inet6", number: AF_INET6 },
] as const)("the filter of an $family dump is the device alone, in all tables", ({ family, number }) => {
  const { header, values } = routeMessage.decode(getRoutesOf(7, family).payload);
  expect(values).toEqual({ RTA_OIF: 7 });
  expect(header).toEqual({
    rtm_family: number,
    rtm_dst_len: 0,
    rtm_src_len: 0,
    rtm_tos: 0,
    rtm_table: 0,
    rtm_protocol: 0,
    rtm_scope: 0,
    rtm_type: 0,
    rtm_flags: 0,
  });
});

describe("isDefaultRoute", () => {
  test.each([
    { what: "a unicast route to everywhere", length: 0, type: RTN_UNICAST, isDefault: true },
    { what: "a unicast route to half of everywhere", length: 1, type: RTN_UNICAST, isDefault: false },
    { what: "a route to one host", length: 32, type: RTN_UNICAST, isDefault: false },
    { what: "a blackhole for everything", length: 0, type: RTN_BLACKHOLE, isDefault: false },
    { what: "a local route to everywhere", length: 0, type: RTN_LOCAL, isDefault: false },
  ])("$what: $isDefault", ({ length, type, isDefault }) => {
    const payload = routeMessage.encode({ rtm_family: AF_INET, rtm_dst_len: length, rtm_type: type }, {});
    expect(isDefaultRoute(payload)).toBe(isDefault);
  });
});
