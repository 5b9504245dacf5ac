import { expect } from "bun:test";
import type { Address } from "../../src/domain/address.ts";
import { addAddress, decodeAddress, deleteAddress, getAddresses } from "../../src/netlink/address.ts";
import { getRoutesOf, isDefaultRoute } from "../../src/netlink/route.ts";
import { test } from "../helpers/live-test.ts";
import { refusal } from "./refusal.ts";
import { openRoom } from "./socket-in.ts";

const IFINDEX = 10;
const D0 = `link add d0 index ${IFINDEX} type veth peer name far index 11`;

test("addresses are given, changed and taken, each as it was asked for", async () => {
  await using room = await openRoom();
  await room.netns.ip(D0, "link set d0 up addrgenmode none", "link set far up addrgenmode none");
  const connection = room.connection();
  const [IFA_F_NODAD, IFA_F_PERMANENT, IFA_F_NOPREFIXROUTE] = [0x02, 0x80, 0x200];
  const v4: Address = {
    family: "inet",
    local: "192.0.2.1",
    peer: null,
    prefixLength: 24,
    broadcast: "192.0.2.255",
    label: "d0:one",
    scope: 0,
    flags: IFA_F_PERMANENT,
    metric: 77,
    protocol: 42,
    preferredLifetime: null,
    validLifetime: null,
  };
  const pointToPoint = { ...v4, local: "198.51.100.1", peer: "198.51.100.2", prefixLength: 32, label: "d0" };
  const v6: Address = {
    ...v4,
    family: "inet6",
    local: "2001:db8::1",
    prefixLength: 64,
    broadcast: null,
    label: null,
    flags: IFA_F_PERMANENT | IFA_F_NODAD,
  };
  const v6Peer: Address = {
    ...v6,
    local: "2001:db8::3",
    peer: "2001:db8::4",
    prefixLength: 128,
    flags: IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
    metric: null,
  };
  const timed: Address = {
    ...v6,
    local: "2001:db8::5",
    flags: IFA_F_NODAD,
    preferredLifetime: 18_000,
    validLifetime: 36_000,
  };
  const all = [v4, pointToPoint, v6, v6Peer, timed];
  const read = () =>
    connection.dump(getAddresses(IFINDEX)).map(({ payload }) => decodeAddress(payload).address);
  const byLocal = (addresses: readonly Address[]) =>
    addresses.toSorted((a, b) => (a.local < b.local ? -1 : 1));

  for (const address of all) connection.request(addAddress(IFINDEX, address, false, `add ${address.local}`));
  expect(byLocal(read())).toEqual(byLocal(all));
  expect(refusal(() => connection.request(addAddress(IFINDEX, v4, false, "add")))).toStartWith("EEXIST: ");

  const proven: Address = { ...v6, flags: IFA_F_PERMANENT };
  connection.request(addAddress(IFINDEX, proven, true, "replace"));
  expect(read()).toContainEqual(proven);

  for (const address of [v4, pointToPoint, proven, v6Peer, timed]) {
    connection.request(deleteAddress(IFINDEX, address, `delete ${address.local}`));
  }
  expect(read()).toEqual([]);
});

test("default routes of a device are found in every table and family, multipath too", async () => {
  await using room = await openRoom();
  await room.netns.ip(
    D0,
    "link add d1 index 12 type ifb",
    "link add d2 index 13 type ifb",
    "link add d3 index 14 type ifb",
    ...["far", "d0", "d1", "d2", "d3"].map((name) => `link set ${name} up`),
    "address add 192.0.2.1/24 dev d0",
    "address add 198.51.100.1/24 dev d1",
    "address add 203.0.113.1/24 dev d2",
    "route add default via 192.0.2.254 table 4711",
    "route add default metric 7 nexthop via 198.51.100.254 nexthop via 203.0.113.254",
    "route add unreachable default metric 4000",
    "route add ::/0 dev d3 metric 9 table 5000",
  );
  const connection = room.connection();
  const defaults = (family: "inet" | "inet6") =>
    [IFINDEX, 12, 13, 14].filter((ifindex) =>
      connection.dump(getRoutesOf(ifindex, family)).some(({ payload }) => isDefaultRoute(payload)),
    );
  expect(defaults("inet")).toEqual([IFINDEX, 12, 13]);
  expect(defaults("inet6")).toEqual([14]);
});
