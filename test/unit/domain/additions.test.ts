import { describe, expect, test } from "bun:test";
import { withAdditions } from "../../../src/domain/additions.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { addressOf, deviceOf, routeOf, snapshotOf } from "./samples.ts";

const snapshot = (members: Partial<Snapshot>): Snapshot => ({ ...snapshotOf(deviceOf()), ...members });
const texts = ({ addresses }: Snapshot) =>
  addresses.map(({ local, prefixLength }) => `${local}/${prefixLength}`);
const own = snapshot({
  addresses: ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"].map((one) => addressOf(one)),
});
const found = (addresses: readonly string[], members: Partial<Snapshot> = {}) =>
  snapshot({ addresses: addresses.map((one) => addressOf(one)), ...members });

describe("addresses", () => {
  test.each([
    [
      "beside all of its own, the order stays",
      ["192.0.2.1/24", "198.51.100.7/24", "192.0.2.2/24", "2001:db8::9/64", "2001:db8::1/64"],
      null,
    ],
    [
      "where its own are gone, others' come first and last",
      ["198.51.100.7/24", "2001:db8::9/64"],
      ["198.51.100.7/24", "192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::9/64"],
    ],
    [
      "its own in another order are put in theirs",
      ["192.0.2.2/24", "192.0.2.1/24", "2001:db8::1/64"],
      ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"],
    ],
  ])("%s", (_, there, expected) => {
    expect(texts(withAdditions(own, found(there)))).toEqual(expected ?? there);
  });

  test("what the kernel has made of a MAC that goes is not kept", () => {
    const device = deviceOf({ mac: "02:00:00:00:00:77" });
    const local = addressOf("fe80::ff:fe00:77/64", { scope: 253, protocol: 3 });
    const there = { ...found([]), device, addresses: [...own.addresses, local] };
    expect(texts(withAdditions(own, there))).toEqual(texts(own));
  });

  test("its own have less time left by now, and others' what they have", () => {
    const leased = addressOf("192.0.2.9/24", { validLifetime: 60, preferredLifetime: 60 });
    const wanted = snapshot({ addresses: [leased], takenAt: 1000 });
    const more = addressOf("192.0.2.10/24", { validLifetime: 5, preferredLifetime: 5 });
    const there = snapshot({ addresses: [leased, more], takenAt: 11_000 });
    const { addresses, takenAt } = withAdditions(wanted, there);
    expect(addresses.map(({ validLifetime }) => validLifetime)).toEqual([50, 5]);
    expect(takenAt).toBe(11_000);
  });
});

test("routes that somebody has added are kept, but for a way to a gateway that a broken homecoming has left", () => {
  const far = routeOf("10.0.0.0/8", { via: "203.0.113.9" });
  const wanted = snapshot({ routes: [far] });
  const way = routeOf("203.0.113.9/32", { scope: 253, metric: 0xffff_ffff, protocol: 4 });
  const leased = routeOf("0.0.0.0/0", { via: "192.0.2.254", metric: 1024, protocol: 16 });
  expect(withAdditions(wanted, snapshot({ routes: [far, way, leased] })).routes).toEqual([far, leased]);
});
