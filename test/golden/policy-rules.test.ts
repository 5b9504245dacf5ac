import { expect, test } from "bun:test";
import { decodeRule, getRules } from "../../src/netlink/policy-rule.ts";
import { AF_INET } from "../../src/netlink/uapi.ts";
import { captured, hex, replay, sent } from "./wire.ts";

const FILE = "policy-rules.txt";

test("all are asked for with the same bytes as those of one family, but for that", () => {
  const ours = sent((connection) => connection.dump(getRules()));
  const payload = Uint8Array.from(ours.payload, (byte, at) => (at === 0 ? AF_INET : byte));
  expect(hex({ ...ours, payload })).toEqual(hex(captured(FILE, "dump")));
});

/** What is read of a capture, in the words of ip(8), for the device d0. */
function told(name: string) {
  return replay(FILE, name, (connection) => connection.dump(getRules()))
    .map(({ payload }) => decodeRule(payload, ["d0", "alt0"]))
    .filter((rule) => rule !== null);
}

test("those that name a device and hold for it are read, in the words of ip(8)", () => {
  const rules = told("as told");
  expect(rules.map(({ family }) => family)).toEqual(rules.map(() => "inet"));
  expect(rules.map(({ words }) => words)).toEqual([
    "100: from all iif d0 lookup 77",
    "101: not from 192.0.2.0/24 to 198.51.100.7 tos 0x10 fwmark 0x5/0xff iif d0 oif e0 lookup main",
    "102: from all oif d0 uidrange 100-200 ipproto 6 sport 22 dport 100-200 lookup 4711 suppress_prefixlength 0",
    "103: from all iif e0 oif d0 unreachable",
    "104: from all iif d0 goto 32766",
    "105: from all iif alt0 lookup local suppress_ifgroup 7 realms 3/4",
  ]);
});

test("and those of IPv6", () => {
  expect(told("IPv6 as told")).toEqual([
    { family: "inet6", words: "100: from 2001:db8::/32 iif d0 lookup 77" },
    { family: "inet6", words: "101: from all iif d0 blackhole" },
  ]);
});
