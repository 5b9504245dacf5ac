import { describe, expect, test } from "bun:test";
import { type Device, identityOf, isHardware, mayBe } from "../../../src/domain/device.ts";
import { deviceOf } from "./samples.ts";

const device = deviceOf({ kind: "macvlan", permanentMac: "02:00:00:00:00:0a" });
const card = deviceOf({
  kind: null,
  mac: "00:53:00:00:00:0a",
  permanentMac: "00:53:00:00:00:0a",
  parentBus: "pci",
  parentDev: "0000:03:00.0",
});

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
    [{ parentBus: "pci", parentDev: "0000:03:00.1" }],
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

  test("hardware is known under any MAC, at home too", () => {
    const disguised = { ...card, ...same, mac: "02:00:00:00:00:99" };
    expect(mayBe(identityOf(card, null), disguised, true)).toBe(true);
  });

  test.each([
    [{ parentDev: "0000:03:00.1" }],
    [{ parentDev: null, parentBus: null }],
    [{ parentBus: "virtio" }],
    [{ permanentMac: "00:53:00:00:00:0b" }],
    [{ permanentMac: "02:00:00:00:00:0b" }],
    [{ permanentMac: null }],
  ])("hardware with %o is another piece, though the present MAC is the same", (members) => {
    expect(mayBe(identityOf(card, null), { ...card, ...members }, true)).toBe(false);
  });

  test("a virtio device may come back with another number, and is known by its permanent MAC then", () => {
    const virtio = { ...card, parentBus: "virtio", parentDev: "virtio0" };
    const moved = { ...virtio, parentDev: "virtio3" };
    expect(mayBe(identityOf(virtio, null), moved, true)).toBe(true);
    expect(mayBe(identityOf(virtio, null), { ...moved, permanentMac: "00:53:00:00:00:0b" }, true)).toBe(
      false,
    );
    const nameless = { ...virtio, permanentMac: null };
    expect(mayBe(identityOf(nameless, null), { ...nameless, parentDev: "virtio3" }, true)).toBe(false);
  });

  test("a virtual function comes back with another made-up MAC, and is known by its place then", () => {
    const vf = { ...card, permanentMac: "02:00:00:00:00:0a" };
    expect(mayBe(identityOf(vf, null), { ...vf, permanentMac: "06:00:00:00:00:0b" }, true)).toBe(true);
    expect(mayBe(identityOf(vf, null), { ...vf, permanentMac: "00:53:00:00:00:0b" }, true)).toBe(false);
  });

  test("a tunnel's permanent MAC is the address that it sends from, and tells it from no other", () => {
    const tunnel = deviceOf({ kind: "gre", type: 778, mac: "c0:00:02:01", permanentMac: "c0:00:02:01" });
    expect(isHardware(identityOf(tunnel, null))).toBe(false);
    expect(isHardware(identityOf(card, null))).toBe(true);
    expect(mayBe(identityOf(tunnel, null), { ...tunnel, mac: "c0:00:02:02" }, true)).toBe(false);
  });
});
