import { describe, expect, test } from "bun:test";
import { type Device, identityOf, mayBe } from "../../../src/domain/device.ts";
import { deviceOf } from "./samples.ts";

const device = deviceOf({ kind: "macvlan", permanentMac: "02:00:00:00:00:0a", parentDev: "0000:03:00.0" });

describe("mayBe", () => {
  const same: Partial<Device> = {
    ifindex: 99,
    name: "wan",
    altnames: ["x"],
    alias: "theirs",
    mtu: 9000,
    up: false,
    operstate: "down",
    master: 3,
  };

  test("a device stays itself under another name, ifindex, MTU and master", () => {
    expect(mayBe(identityOf(device, null), { ...device, ...same }, true)).toBe(true);
  });

  test.each([
    [{ kind: "veth" }],
    [{ kind: null }],
    [{ type: 512 }],
    [{ parentDev: "0000:03:00.1" }],
    [{ parentDev: null }],
    [{ permanentMac: "02:00:00:00:00:0b" }],
    [{ permanentMac: null }],
  ])("%o is proof of another device", (members) => {
    expect(mayBe(identityOf(device, null), { ...device, ...members }, false)).toBe(false);
    expect(mayBe(identityOf(device, null), { ...device, ...members }, true)).toBe(false);
  });

  test("the present MAC counts where nobody could have changed it, and there alone", () => {
    const other = { ...device, mac: "02:00:00:00:00:99" };
    expect(mayBe(identityOf(device, null), other, true)).toBe(false);
    expect(mayBe(identityOf(device, null), other, false)).toBe(true);
  });

  test("a MAC that was to be given counts as its own", () => {
    const given = identityOf(device, "02:00:00:00:00:99");
    expect(mayBe(given, { ...device, mac: "02:00:00:00:00:99" }, true)).toBe(true);
    expect(mayBe(given, device, true)).toBe(true);
    expect(mayBe(given, { ...device, mac: "02:00:00:00:00:98" }, true)).toBe(false);
  });

  test("a device without a MAC is known by having none", () => {
    const tun = deviceOf({ kind: "tun", type: 65534, mac: null });
    expect(mayBe(identityOf(tun, null), tun, true)).toBe(true);
    expect(mayBe(identityOf(tun, null), { ...tun, mac: "02:00:00:00:00:01" }, true)).toBe(false);
  });
});
