import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { sysctlPath } from "../../../src/domain/sysctls.ts";
import { encodeAttributes } from "../../../src/netlink/attribute.ts";
import { decodeSysctls, decodeToken, encodeSysctls, setToken } from "../../../src/netlink/devconf.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import { RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { captured } from "../../golden/wire.ts";

const [AF_INET, AF_INET6, IFLA_INET_CONF] = [2, 10, 1];

/** What an RTM_NEWLINK with this IFLA_AF_SPEC is read as. */
function decoded(spec: Uint8Array) {
  return decodeSysctls(linkMessage.encode({}, { IFLA_AF_SPEC: spec }));
}

const told = decodeSysctls(captured("link-replies.txt", "veth with its peer in the same namespace").payload);

test("what Linux 6.18 told of a veth that was just made", () => {
  expect(Object.keys(told)).toHaveLength(32 + 58);
  expect(told).toMatchObject({
    "ipv4.forwarding": 0,
    "ipv4.send_redirects": 1,
    "ipv4.igmpv2_unsolicited_report_interval": 10000,
    "ipv4.arp_evict_nocarrier": 1,
    "ipv6.hop_limit": 64,
    "ipv6.mtu": 1500,
    "ipv6.router_solicitations": -1,
    "ipv6.router_solicitation_interval": 4,
    "ipv6.router_solicitation_max_interval": 3600,
    "ipv6.router_probe_interval": 60,
    "ipv6.mldv1_unsolicited_report_interval": 10000,
    "ipv6.temp_valid_lft": 604800,
    "ipv6.addr_gen_mode": 0,
    "ipv6.ioam6_id_wide": 0xffffffff,
    "ipv6.ndisc_evict_nocarrier": 1,
  });
});

test("each name is that of a file", () => {
  for (const setting of Object.keys(told)) expect(sysctlPath(setting, "d0"), setting).not.toBeNull();
});

test("what was encoded is decoded", () => {
  const value = (setting: string) => {
    if (setting === "ipv6.ioam6_id_wide") return fc.nat(0xffffffff);
    return /router_(sol|probe).*(interval|delay)$/.test(setting) ? fc.nat(2_000_000) : fc.integer();
  };
  const settings = fc.record(
    Object.fromEntries(Object.keys(told).map((setting) => [setting, value(setting)])),
  );
  fc.assert(fc.property(settings, (sysctls) => expect(decoded(encodeSysctls(sysctls))).toEqual(sysctls)));
});

describe("of a device without", () => {
  test("IPv6: none of it", () => {
    expect(decoded(encodeSysctls({ "ipv4.arp_ignore": 1 }))).toHaveProperty(["ipv4.arp_ignore"], 1);
    expect(Object.keys(decoded(encodeSysctls({ "ipv4.arp_ignore": 1 })))).toHaveLength(32);
  });

  test("either family: nothing", () => {
    expect(decoded(encodeSysctls({}))).toEqual({});
    expect(decodeSysctls(linkMessage.encode({}, {}))).toEqual({});
  });
});

test("a kernel that knows fewer settings, or more, is understood as far as it goes", () => {
  const array = (length: number) => {
    const conf = encodeAttributes([{ type: IFLA_INET_CONF, payload: new Uint8Array(length * 4).fill(1) }]);
    return encodeAttributes([
      { type: AF_INET, payload: conf },
      { type: AF_INET6, payload: new Uint8Array(0) },
    ]);
  };
  expect(Object.keys(decoded(array(3)))).toEqual(["ipv4.forwarding", "ipv4.proxy_arp"]);
  expect(Object.keys(decoded(array(99)))).toHaveLength(32);
});

describe("an IPv6 token", () => {
  const told = (token: string | null) =>
    decodeToken(linkMessage.encode({}, { IFLA_AF_SPEC: encodeSysctls({}, token) }));

  test("is told with the settings, where there is one", () => {
    expect(told("::7:0:0:1")).toBe("::7:0:0:1");
    expect(told("::")).toBeNull();
    expect(told(null)).toBeNull();
    expect(decodeToken(linkMessage.encode({}, {}))).toBeNull();
  });

  test("is set as the kernel reads it: inside AF_INET6 inside IFLA_AF_SPEC", () => {
    const { type, payload } = setToken(7, "::1", "");
    expect(type).toBe(RTM_NEWLINK);
    expect(Buffer.from(payload.subarray(16)).toString("hex")).toBe(
      `1c001a8018000a801400070000000000000000000000000000000001`,
    );
    expect(decodeToken(payload)).toBe("::1");
  });
});
