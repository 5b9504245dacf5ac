import { describe, expect, test } from "bun:test";
import { sysctlPath, sysctlsText, sysctlsToSet } from "../../../src/domain/sysctls.ts";

describe("sysctlPath", () => {
  test.each([
    ["ipv4.arp_ignore", "eth0", "/proc/sys/net/ipv4/conf/eth0/arp_ignore"],
    ["ipv6.accept_ra", "eth0.100", "/proc/sys/net/ipv6/conf/eth0.100/accept_ra"],
    ["ipv4.neigh.app_solicit", "eth0", "/proc/sys/net/ipv4/neigh/eth0/app_solicit"],
  ])("of %s of %s", (setting, device, path) => expect(sysctlPath(setting, device)).toBe(path));

  test.each(["arp_ignore", "ipv5.x", "ipv4.conf.x", "ipv4.", "ipv4.../../x", "ipv4.neigh.", "net.ipv4.x"])(
    "%s is none",
    (setting) => expect(sysctlPath(setting, "eth0")).toBeNull(),
  );

  test.each(["all", "default"])(
    "a device called %s has none: what is there under its name is not its",
    (name) => expect(sysctlPath("ipv4.arp_ignore", name)).toBeNull(),
  );
});

test("what is to be set is what differs, and what is not known", () => {
  const now = { "ipv4.a": 1, "ipv4.b": 2, "ipv4.more": 3 };
  const wanted = { "ipv4.a": 1, "ipv4.b": 0, "ipv6.c": 0 };
  expect(sysctlsToSet(now, wanted)).toEqual({ "ipv4.b": 0, "ipv6.c": 0 });
  expect(sysctlsToSet(now, {})).toEqual({});
});

test("few are told one by one, and many by their number", () => {
  expect(sysctlsText({ "ipv4.arp_ignore": 1, "ipv6.accept_ra": 0 })).toBe(
    "ipv4.arp_ignore = 1, ipv6.accept_ra = 0",
  );
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`ipv4.s${at}`, at]));
  expect(sysctlsText(many)).toBe("9 of them");
});
