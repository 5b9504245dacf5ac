import { describe, expect, test } from "bun:test";
import {
  devicesOfRoute,
  getRoutes,
  getRoutesOf,
  getRouteTo,
  isDefaultRoute,
  routeMessage,
  rtmsg,
  rtnexthop,
} from "../../../src/netlink/route.ts";

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

test("struct rtnexthop (linux/rtnetlink.h) is laid out as gcc 12.2 does", () => {
  expect(rtnexthop.size).toBe(8);
  expect(rtnexthop.offsets).toEqual({ rtnh_len: 0, rtnh_flags: 2, rtnh_hops: 3, rtnh_ifindex: 4 });
});

test("the filter of all routes is that they lead somewhere", () => {
  const { header, values } = routeMessage.decode(getRoutes("inet6").payload);
  expect(values).toEqual({});
  expect(header).toMatchObject({ rtm_family: AF_INET6, rtm_type: RTN_UNICAST, rtm_table: 0 });
});

describe("the route to a tunnel's other end", () => {
  const RTM_F_FIB_MATCH = 0x2000;

  test("is asked for by all that it is chosen by, with all of its paths", () => {
    const remote = { address: "192.0.2.9", source: "192.0.2.1", mark: 5 };
    const { header, values } = routeMessage.decode(getRouteTo(remote, "whole").payload);
    expect(header).toMatchObject({
      rtm_family: AF_INET,
      rtm_dst_len: 32,
      rtm_src_len: 32,
      rtm_flags: RTM_F_FIB_MATCH,
    });
    expect(values).toEqual({
      RTA_DST: Uint8Array.of(192, 0, 2, 9),
      RTA_SRC: Uint8Array.of(192, 0, 2, 1),
      RTA_MARK: 5,
    });
  });

  test("is asked for by no more than that", () => {
    const remote = { address: "2001:db8::9", source: null, mark: 0 };
    const { header, values } = routeMessage.decode(getRouteTo(remote, "chosen").payload);
    expect(header).toMatchObject({ rtm_family: AF_INET6, rtm_dst_len: 128, rtm_src_len: 0, rtm_flags: 0 });
    expect(Object.keys(values)).toEqual(["RTA_DST"]);
  });
});

describe("devicesOfRoute", () => {
  // Two paths, as the kernel has them: the second one with a gateway (RTA_GATEWAY 5) behind it.
  const paths = Uint8Array.of(8, 0, 0, 0, 7, 0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 8, 0, 5, 0, 192, 0, 2, 254);

  test.each<[string, Parameters<typeof routeMessage.encode>[1], number[]]>([
    ["its device", { RTA_OIF: 7 }, [7]],
    ["those of all its paths", { RTA_MULTIPATH: paths }, [7, 9]],
    ["none where a nexthop object has it", {}, []],
    ["what there is of a path that is cut off", { RTA_MULTIPATH: paths.subarray(0, 12) }, [7]],
    ["a path that claims no length, once", { RTA_MULTIPATH: new Uint8Array(8) }, [0]],
  ])("%s", (_, values, devices) => {
    expect(devicesOfRoute(routeMessage.encode({ rtm_family: AF_INET }, values))).toEqual(devices);
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
