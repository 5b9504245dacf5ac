import { describe, expect, test } from "bun:test";
import type { Nexthop, Route } from "../../src/domain/route.ts";
import type { Message } from "../../src/netlink/message.ts";
import { getRoutesOf, routeMessage } from "../../src/netlink/route.ts";
import { addRoute, decodeRoute, deleteRoute } from "../../src/netlink/route-entry.ts";
import { captured, replay, sent } from "./wire.ts";

const FILE = "route-entries.txt";
/** d0 is 7, and e0 beside it is 8. */
const D0 = 7;

const onLink: Nexthop = { device: null, gateway: null, onlink: false, weight: 1 };
const via = (gateway: string, more: Partial<Nexthop> = {}): Nexthop => ({ ...onLink, gateway, ...more });
const v4: Route = {
  family: "inet",
  to: "0.0.0.0",
  prefixLength: 0,
  from: null,
  fromLength: 0,
  table: 254,
  type: 1,
  scope: 0,
  protocol: 3,
  tos: 0,
  metric: null,
  source: null,
  realm: null,
  nexthops: [onLink],
  metrics: {},
  preference: null,
  lifetime: null,
  nexthopId: null,
  encapsulated: false,
};
const v6: Route = { ...v4, family: "inet6", to: "::" };
const [MTU, ADVMSS, LOCK, CC_ALGO] = [2, 8, 1, 16];

/** What ip puts in another order means the same: header and attributes by name. */
function tree({ type, flags, payload }: Message) {
  const { header, values } = routeMessage.decode(payload);
  return { type, flags, header, values };
}

describe("what is sent says what ip(8) says", () => {
  const samples: Readonly<Record<string, Route>> = {
    "append v4 by a gateway": {
      ...v4,
      to: "10.1.0.0",
      prefixLength: 16,
      protocol: 186,
      metric: 100,
      source: "192.0.2.1",
      nexthops: [via("192.0.2.254")],
    },
    "append v4 on the link": { ...v4, to: "203.0.113.0", prefixLength: 24, scope: 253 },
    "append v4 onlink in a table": { ...v4, table: 4711, nexthops: [via("10.200.0.1", { onlink: true })] },
    "append v4 with metrics": {
      ...v4,
      to: "10.2.0.0",
      prefixLength: 16,
      nexthops: [via("192.0.2.254")],
      metrics: { [LOCK]: 1 << MTU, [MTU]: 1400, [ADVMSS]: 1000, [CC_ALGO]: "cubic" },
    },
    "append v4 by an IPv6 gateway": { ...v4, to: "10.4.0.0", prefixLength: 16, nexthops: [via("fe80::99")] },
    "append v4 by two": {
      ...v4,
      to: "10.9.0.0",
      prefixLength: 16,
      nexthops: [
        via("198.51.100.2", { device: 8, weight: 2 }),
        via("192.0.2.2", { weight: 3, onlink: true }),
      ],
    },
    "append v6 by a gateway": {
      ...v6,
      to: "2001:db8:b::",
      prefixLength: 48,
      metric: 7,
      nexthops: [via("fe80::2")],
    },
    "append v6 for some senders": {
      ...v6,
      to: "2001:db8:d::",
      prefixLength: 48,
      from: "2001:db8:8::",
      fromLength: 48,
      nexthops: [via("2001:db8::3")],
      preference: 1,
      lifetime: 900,
    },
  };
  test.each(Object.entries(samples))("%s", (name, route) => {
    const ours = sent((connection) => connection.request(addRoute(D0, route, name)));
    const theirs = tree(captured(FILE, name));
    // RTA_METRICS is a list: what counts is what is in it.
    const inside = (payload: Uint8Array | undefined) =>
      payload === undefined
        ? {}
        : decodeRoute(routeMessage.encode({ rtm_family: 2 }, { RTA_METRICS: payload }), D0).metrics;
    const { RTA_METRICS: given, ...values } = tree(ours).values;
    const { RTA_METRICS: expected, ...others } = theirs.values;
    expect({ ...tree(ours), values }).toEqual({ ...theirs, values: others });
    expect(inside(given)).toEqual(inside(expected));
  });

  test("delete v4", () => {
    const route = { ...v4, to: "10.1.0.0", prefixLength: 16, metric: 100, nexthops: [via("192.0.2.254")] };
    const ours = tree(sent((connection) => connection.request(deleteRoute(D0, route, "delete"))));
    const theirs = tree(captured(FILE, "delete v4"));
    expect(ours.values).toEqual(theirs.values);
    expect({ type: ours.type, flags: ours.flags }).toEqual({ type: theirs.type, flags: theirs.flags });
    // ip asks for any scope and protocol that fit; this one is told to the last.
    expect(ours.header).toMatchObject({ rtm_scope: 0, rtm_protocol: 3, rtm_table: 254, rtm_dst_len: 16 });
  });
});

describe("what the kernel tells is read as what was asked for", () => {
  const told = (name: string, family: "inet" | "inet6") =>
    replay(FILE, name, (connection) => connection.dump(getRoutesOf(D0, family)))
      .map(({ payload }) => decodeRoute(payload, D0))
      .filter(({ protocol }) => protocol !== 2);

  test("v4 of every sort", () => {
    expect(told("v4 of every sort", "inet")).toEqual([
      {
        ...v4,
        to: "10.2.0.0",
        prefixLength: 16,
        table: 4711,
        nexthops: [via("10.200.0.1", { onlink: true })],
      },
      {
        ...v4,
        to: "10.1.0.0",
        prefixLength: 16,
        protocol: 186,
        metric: 100,
        source: "192.0.2.1",
        nexthops: [via("192.0.2.254")],
      },
      { ...v4, to: "10.4.0.0", prefixLength: 16, nexthops: [via("fe80::99")] },
      {
        ...v4,
        to: "10.5.0.0",
        prefixLength: 16,
        scope: 253,
        metrics: { [LOCK]: 1 << MTU, [MTU]: 1400, [CC_ALGO]: "cubic" },
      },
      {
        ...v4,
        to: "10.9.0.0",
        prefixLength: 16,
        nexthops: [via("198.51.100.2", { device: 8, weight: 2 }), via("192.0.2.2", { weight: 3 })],
      },
    ]);
  });

  test("v6 of every sort", () => {
    const plain = { ...v6, prefixLength: 48, metric: 1024, preference: 0 };
    expect(told("v6 of every sort", "inet6").toSorted((a, b) => a.to.localeCompare(b.to))).toEqual([
      { ...plain, to: "2001:db8:b::", nexthops: [via("fe80::2")], lifetime: 900 },
      {
        ...plain,
        to: "2001:db8:d::",
        from: "2001:db8:8::",
        fromLength: 48,
        nexthops: [via("2001:db8::3")],
        preference: 3,
      },
      {
        ...plain,
        to: "2001:db8:f::",
        nexthops: [via("2001:db8:1::2", { device: 8, weight: 2 }), via("2001:db8::2", { weight: 3 })],
      },
    ]);
  });

  test("v4 by a nexthop object alone", () => {
    const [route] = told("v4 by a nexthop object alone", "inet");
    expect(route).toEqual({ ...v4, to: "10.5.0.0", prefixLength: 16, nexthops: [], nexthopId: 5 });
  });
});
