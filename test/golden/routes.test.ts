import { describe, expect, test } from "bun:test";
import { getRoutesOf, isDefaultRoute, routeMessage } from "../../src/netlink/route.ts";
import { captured, hex, replay, sent } from "./wire.ts";

const FILE = "routes.txt";
const RT_TABLE_MAIN = 254;

describe("the dump of a device's routes has the same bytes", () => {
  test.each([
    { name: "dump of v4", family: "inet" },
    { name: "dump of v6", family: "inet6" },
  ] as const)("$name", ({ name, family }) => {
    const ours = sent((connection) => connection.dump(getRoutesOf(7, family)));
    expect(hex(ours)).toEqual(hex(captured(FILE, name)));
  });
});

describe("routes as the kernel tells them", () => {
  test.each<{ name: string; routes: { table: number; oif: number | null; isDefault: boolean }[] }>([
    {
      name: "v4 by a next hop",
      routes: [
        { table: 100, oif: 7, isDefault: true },
        { table: RT_TABLE_MAIN, oif: 7, isDefault: false },
      ],
    },
    {
      name: "v6 by a next hop",
      routes: [
        { table: RT_TABLE_MAIN, oif: 7, isDefault: false },
        { table: RT_TABLE_MAIN, oif: 7, isDefault: true },
      ],
    },
    {
      // Its devices are in RTA_MULTIPATH; the kernel's filter by RTA_OIF finds it nonetheless.
      name: "multipath",
      routes: [
        { table: RT_TABLE_MAIN, oif: null, isDefault: true },
        { table: RT_TABLE_MAIN, oif: 8, isDefault: false },
      ],
    },
    { name: "blackhole default", routes: [{ table: RT_TABLE_MAIN, oif: null, isDefault: false }] },
  ])("$name", ({ name, routes }) => {
    const messages = replay(FILE, name, (connection) => connection.dump(getRoutesOf(7, "inet")));
    const decoded = messages.map(({ payload }) => {
      const { values } = routeMessage.decode(payload);
      return { table: values.RTA_TABLE, oif: values.RTA_OIF ?? null, isDefault: isDefaultRoute(payload) };
    });
    expect(decoded).toEqual(routes);
  });
});
