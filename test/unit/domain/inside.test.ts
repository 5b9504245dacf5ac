import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Address, IFA_F_NODAD, IFA_F_PERMANENT, IFA_F_TENTATIVE } from "../../../src/domain/address.ts";
import { insideOf } from "../../../src/domain/inside.ts";
import type { GivenAddress } from "../../../src/domain/mapping.ts";
import { snapshot } from "./arbitrary.ts";
import { addressOf, deviceOf, requestOf, routeOf, snapshotOf } from "./samples.ts";

const HOST = deviceOf({
  altnames: ["eth1", "nic-one"],
  alias: "a",
  master: 9,
  slaveKind: "bridge",
  mtu: 1400,
});

const given = (local: string, prefixLength: number): GivenAddress => ({
  family: local.includes(":") ? "inet6" : "inet",
  local,
  prefixLength,
});

describe("the device", () => {
  test("is what it is on the host, under the name, up, and no port of anything", () => {
    expect(insideOf(requestOf(), snapshotOf(HOST), "eth5").device).toEqual({
      ...HOST,
      name: "eth5",
      master: null,
      slaveKind: null,
    });
  });

  test("has not its own name as an altname", () => {
    expect(insideOf(requestOf(), snapshotOf(HOST), "eth1").device.altnames).toEqual(["nic-one"]);
  });

  test("is what the request gives", () => {
    const request = requestOf({ mtu: 9000, mac: "02:00:00:00:00:99", up: false });
    expect(insideOf(request, snapshotOf(HOST), "eth5").device).toMatchObject({
      mtu: 9000,
      mac: "02:00:00:00:00:99",
      up: false,
    });
  });
});

describe("addresses that the device has", () => {
  const carried = (...addresses: readonly Address[]) =>
    insideOf(requestOf(), snapshotOf(HOST, ...addresses), "eth5").addresses;

  test.each([
    ["a plain one", addressOf("192.0.2.1/24")],
    [
      "one with everything",
      addressOf("192.0.2.1/24", { peer: "192.0.2.9", broadcast: "192.0.2.255", metric: 7 }),
    ],
    ["a secondary one", addressOf("192.0.2.2/24", { flags: 0x81 })],
    ["one of IPv6", addressOf("2001:db8::1/64")],
    ["one without a prefix route", addressOf("2001:db8::1/64", { flags: 0x280 })],
  ])("%s goes along as it is", (_, address) => expect(carried(address)).toEqual([address]));

  test.each([
    [
      "one that expires",
      addressOf("2001:db8::1/64", { flags: 0, validLifetime: 100, preferredLifetime: 50 }),
    ],
    ["one of the link", addressOf("fe80::1/64", { scope: 253 })],
    ["one of the host", addressOf("192.0.2.1/32", { scope: 254 })],
    ["a site-local one", addressOf("fec0::1/64", { scope: 200 })],
    ["a privacy address", addressOf("2001:db8::1/64", { flags: 0x81 })],
  ])("%s stays (OCI runtime-spec, Network Devices)", (_, address) => expect(carried(address)).toEqual([]));

  test("stay in order", () => {
    const all = ["192.0.2.2/24", "192.0.2.1/24", "2001:db8::2/64", "2001:db8::1/64"].map((text) =>
      addressOf(text),
    );
    expect(carried(...all)).toEqual(all);
  });
});

describe("labels", () => {
  test.each([
    ["ens4", "eth5", "eth5"],
    ["ens4:web", "eth5", "eth5:web"],
    ["ens4:", "eth5", "eth5:"],
    ["ens40", "eth5", "ens40"],
    ["web", "eth5", "web"],
    [null, "eth5", null],
    // 15 bytes fit, 16 do not.
    ["ens4:0123456789", "eth5", "eth5:0123456789"],
    ["ens4:0123456789", "eth50", "eth50"],
    ["ens4:ü", "aaaaaaaaaaaa", "aaaaaaaaaaaa:ü"],
    ["ens4:ü", "aaaaaaaaaaaaa", "aaaaaaaaaaaaa"],
  ])("%j of ens4 as %s is %j", (label, name, expected) => {
    const [address] = insideOf(
      requestOf(),
      snapshotOf(HOST, addressOf("192.0.2.1/24", { label })),
      name,
    ).addresses;
    expect(address?.label).toBe(expected);
  });
});

describe("addresses that the request gives", () => {
  test("are all that there is", () => {
    const host = snapshotOf(HOST, addressOf("203.0.113.1/24"));
    const { addresses } = insideOf(requestOf({ addresses: [given("192.0.2.1", 24)] }), host, "eth5");
    expect(addresses).toEqual([addressOf("192.0.2.1/24", { flags: 0, label: "eth5" })]);
  });

  test("may be none", () => {
    const host = snapshotOf(HOST, addressOf("203.0.113.1/24"));
    expect(insideOf(requestOf({ addresses: [] }), host, "eth5").addresses).toEqual([]);
  });

  test.each([
    ["that the host has not proven", [], true],
    ["that the host has proven", [addressOf("2001:db8::1/64")], false],
    ["that the host has proven under another prefix", [addressOf("2001:db8::1/128")], false],
    ["that the host doubts still", [addressOf("2001:db8::1/64", { flags: 0xc0 })], true],
    ["that is a duplicate on the host", [addressOf("2001:db8::1/64", { flags: 0x88 })], true],
  ])("one of IPv6 %s", (_, host, doubted) => {
    const request = requestOf({ addresses: [given("2001:db8::1", 64)] });
    const [address] = insideOf(request, snapshotOf(HOST, ...host), "eth5").addresses;
    expect(address).toEqual(addressOf("2001:db8::1/64", { flags: doubted ? IFA_F_TENTATIVE : 0 }));
  });
});

describe("dad", () => {
  const proven = addressOf("2001:db8::1/64");
  const doubtful = addressOf("2001:db8::2/64", { flags: IFA_F_PERMANENT | IFA_F_TENTATIVE });
  const never = addressOf("2001:db8::3/64", { flags: IFA_F_PERMANENT | IFA_F_NODAD });
  const host = snapshotOf(HOST, addressOf("192.0.2.1/24"), proven, doubtful, never);
  const doubted = (dad: "keep" | "wait" | "skip") =>
    insideOf(requestOf({ dad }), host, "eth5")
      .addresses.filter(({ flags }) => (flags & IFA_F_TENTATIVE) !== 0)
      .map(({ local }) => local);

  test("keep: what was proven is not doubted", () => expect(doubted("keep")).toEqual(["2001:db8::2"]));
  test("wait: every IPv6 address is", () =>
    expect(doubted("wait")).toEqual(["2001:db8::1", "2001:db8::2", "2001:db8::3"]));
  test("skip: none is", () => expect(doubted("skip")).toEqual([]));

  test("never touches IPv4, and no other flag", () => {
    fc.assert(
      fc.property(snapshot, fc.constantFrom("keep", "wait", "skip"), (any, dad) => {
        const kept = insideOf(requestOf(), any, "eth5").addresses;
        const { addresses } = insideOf(requestOf({ dad }), any, "eth5");
        expect(addresses.map(({ flags }) => flags & ~IFA_F_TENTATIVE)).toEqual(
          kept.map(({ flags }) => flags & ~IFA_F_TENTATIVE),
        );
        const ipv4 = ({ family }: { family: string }) => family === "inet";
        expect(addresses.filter(ipv4)).toEqual(kept.filter(ipv4));
      }),
    );
  });
});

describe("routes and sysctls", () => {
  const own = routeOf("10.1.0.0/16", { via: "192.0.2.9" });
  const shared = {
    ...own,
    nexthops: [...own.nexthops, { ...routeOf("::/0").nexthops[0], device: 8 }],
  } as typeof own;
  const host = { ...snapshotOf(HOST), routes: [own, shared], sysctls: { "ipv4.rp_filter": 2 } };

  test("are none where none are asked for", () => {
    expect(insideOf(requestOf(), host, "eth5")).toMatchObject({ routes: [], sysctls: {}, port: null });
  });

  test("are the host's where they are to be preserved, and lead by no device that stays behind", () => {
    expect(insideOf(requestOf({ routes: "preserve" }), host, "eth5").routes).toEqual([own]);
  });

  test("are what the request gives", () => {
    const plain = { via: null, metric: null, table: null, source: null, onlink: false };
    const routes = [
      { ...plain, family: "inet", to: "0.0.0.0", prefixLength: 0, via: "192.0.2.9", table: 77 },
      { ...plain, family: "inet", to: "10.0.0.0", prefixLength: 8 },
      { ...plain, family: "inet6", to: "::", prefixLength: 0, via: "fe80::1" },
    ] as const;
    const sysctls = { "ipv4.arp_ignore": 1 };
    const inside = insideOf(requestOf({ routes, sysctls }), host, "eth5");
    expect(inside.sysctls).toEqual(sysctls);
    expect(inside.routes).toEqual([
      routeOf("0.0.0.0/0", { via: "192.0.2.9", table: 77, protocol: 4 }),
      routeOf("10.0.0.0/8", { scope: 253, protocol: 4 }),
      // The kernel gives IPv6 routes without a metric this one.
      routeOf("::/0", { via: "fe80::1", metric: 1024, protocol: 4 }),
    ]);
  });
});
