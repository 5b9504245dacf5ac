import { describe, expect, test } from "bun:test";
import type { Neighbour } from "../../src/domain/neighbour.ts";
import {
  addNeighbour,
  decodeNeighbour,
  getNeighbours,
  neighbourMessage,
} from "../../src/netlink/neighbour.ts";
import { decodeQdisc, qdiscMessage, setQdisc } from "../../src/netlink/qdisc.ts";
import { captured, hex, replay, sent } from "./wire.ts";

const FILE = "neighbours.txt";

const entry: Neighbour = {
  family: "inet",
  address: null,
  lladdr: null,
  state: 0x80,
  flags: 0,
  vlan: null,
  port: null,
  vni: null,
  via: null,
};
const lladdr = "02:00:00:00:00:09";

describe("what is asked for says what ip(8) and bridge(8) say", () => {
  test.each<[name: string, neighbour: Neighbour]>([
    ["permanent", { ...entry, address: "192.0.2.9", lladdr }],
    ["IPv6 router", { ...entry, family: "inet6", address: "2001:db8::9", lladdr, flags: 0x80 }],
    ["proxy", { ...entry, family: "inet6", address: "2001:db8::77", state: 0x80, flags: 0x08 }],
    ["fdb", { ...entry, family: "bridge", lladdr: "02:00:00:00:00:12", state: 0xc0, flags: 0x02 }],
    [
      "fdb of a tunnel",
      {
        ...entry,
        family: "bridge",
        lladdr: "00:00:00:00:00:00",
        address: "192.0.2.56",
        state: 0xc0,
        flags: 0x02,
        port: 999,
        vni: 77,
        via: 8,
      },
    ],
  ])("%s", (name, neighbour) => {
    const ours = sent((connection) => connection.request(addNeighbour(7, neighbour, name)));
    const theirs = captured(FILE, name);
    const tree = ({ type, flags, payload }: typeof ours) => ({
      type,
      flags,
      ...neighbourMessage.decode(payload),
    });
    expect(tree(ours)).toEqual(tree(theirs));
    expect(decodeNeighbour(theirs.payload)).toEqual({ ifindex: 7, neighbour });
  });
});

test.each([
  { name: "dump", table: "neighbours" },
  { name: "dump of the fdb", table: "fdb" },
] as const)("the $name has the same bytes", ({ name, table }) => {
  expect(hex(sent((connection) => connection.dump(getNeighbours(7, table))))).toEqual(
    hex(captured(FILE, name)),
  );
});

describe("what the kernel tells is read as what was asked for", () => {
  const told = (name: string, table: "neighbours" | "fdb") =>
    replay(FILE, name, (connection) => connection.dump(getNeighbours(7, table))).map(
      ({ payload }) => decodeNeighbour(payload).neighbour,
    );

  test("neighbours", () => {
    const permanent = told("neighbours as told", "neighbours").filter(({ state }) => state === 0x80);
    expect(permanent).toEqual([
      { ...entry, address: "192.0.2.9", lladdr },
      { ...entry, family: "inet6", address: "2001:db8::9", lladdr, flags: 0x80 },
    ]);
  });

  test("the fdb of a tunnel", () => {
    expect(told("fdb of a tunnel as told", "fdb")).toEqual([
      {
        ...entry,
        family: "bridge",
        lladdr: "02:00:00:00:00:21",
        address: "192.0.2.55",
        state: 0xc0,
        flags: 0x02,
        port: 999,
        vni: 77,
        via: 8,
      },
    ]);
  });
});

test("a qdisc is asked for as tc(8) does", () => {
  const theirs = captured(FILE, "tbf");
  const qdisc = decodeQdisc(theirs.payload);
  expect(qdisc).toMatchObject({ kind: "tbf", handle: 0x50000 });
  const ours = sent((connection) =>
    connection.request(setQdisc(7, qdisc ?? { kind: "", handle: 0, options: "" }, "tbf")),
  );
  const tree = ({ type, flags, payload }: typeof ours) => ({ type, flags, ...qdiscMessage.decode(payload) });
  expect(tree(ours)).toEqual(tree(theirs));
});
