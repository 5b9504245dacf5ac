import { expect, test } from "bun:test";
import { decodeNexthop, getNexthops } from "../../src/netlink/nexthop-object.ts";
import { captured, hex, replay, sent } from "./wire.ts";

const FILE = "nexthop-objects.txt";

test("those of a device are asked for with the same bytes", () => {
  const ours = sent((connection) => connection.dump(getNexthops(7)));
  expect(hex(ours)).toEqual(hex(captured(FILE, "dump")));
});

test("those of a device are read, and none of another one, nor groups", () => {
  const told = replay(FILE, "as told", (connection) => connection.dump(getNexthops(7)));
  expect(told).toHaveLength(5);
  expect(told.map(({ payload }) => decodeNexthop(payload, 7))).toEqual([
    { id: 5, gateway: "192.0.2.9" },
    { id: 6, gateway: null },
    { id: 7, gateway: "fe80::9" },
    null,
    null,
  ]);
});
