import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Address, addressKey } from "../../../src/domain/address.ts";
import { differences, type Goal, type Located, plan } from "../../../src/domain/plan.ts";
import { aged, chosenFlags, isKernelMade } from "../../../src/domain/restorable.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { NO_CHANGE, separately } from "../../../src/domain/step.ts";
import { located, way } from "./arbitrary.ts";
import { apply } from "./kernel-model.ts";
import { addressOf, deviceOf, snapshotOf } from "./samples.ts";

/** What is there, to every member that plans are for: a comparison of the test's own. */
function pictureOf(snapshot: Snapshot, seconds = 0) {
  const { name, altnames, alias, mac, mtu, txqueuelen, group, flags, master, up } = snapshot.device;
  const kept = snapshot.addresses
    .filter((address) => !isKernelMade(address, snapshot.device))
    .map((address) => aged(address, seconds))
    .filter((address) => address !== null)
    .map((address) => ({ ...address, flags: chosenFlags(address) }));
  return {
    device: { name, altnames: altnames.toSorted(), alias, mac, mtu, txqueuelen, group, flags, master, up },
    inet: kept.filter(({ family }) => family === "inet"),
    inet6: kept.filter(({ family }) => family === "inet6"),
  };
}

function withoutOrder({ device, inet, inet6 }: ReturnType<typeof pictureOf>) {
  const byKey = (one: Address, other: Address) => (addressKey(one) < addressKey(other) ? -1 : 1);
  return { device, addresses: [...inet, ...inet6].toSorted(byKey) };
}

/** Lifetimes run in no time at all: what is there after a plan is compared with what was to be there then. */
const secondsSince = (goal: Goal, now: Located) => (now.snapshot.takenAt - goal.snapshot.takenAt) / 1000;

describe("laws", () => {
  test("from what is to what is leads no step", () => {
    fc.assert(
      fc.property(located, fc.option(fc.integer()), (now, ifindex) => {
        expect(plan(now, { ...now, ifindex })).toEqual([]);
        expect(differences(now.snapshot, now.snapshot)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("the kernel takes every step, and then nothing differs", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        const end = apply(now, plan(now, to));
        expect(end.place).toBe(to.place);
        expect(differences(end.snapshot, to.snapshot)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("and what is there is what was wanted, to every member of every address", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        const end = apply(
          now,
          plan(now, { ...to, snapshot: { ...to.snapshot, takenAt: now.snapshot.takenAt } }),
        );
        const is = withoutOrder(pictureOf(end.snapshot));
        const lifetimesRun = (address: Address) => ({
          ...address,
          validLifetime: address.validLifetime && 1,
          preferredLifetime: address.preferredLifetime && 1,
        });
        expect(is.device).toEqual(pictureOf(to.snapshot).device);
        expect(is.addresses.map(lifetimesRun)).toEqual(
          withoutOrder(pictureOf(to.snapshot)).addresses.map(lifetimesRun),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("after a move the addresses are all as they were, lifetimes shorter, in the order that they had", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        fc.pre(now.place !== to.place);
        const end = apply(now, plan(now, to));
        expect(pictureOf(end.snapshot)).toEqual(pictureOf(to.snapshot, secondsSince(to, now)));
      }),
      { numRuns: 2000 },
    );
  });

  test("a plan that has been carried out leads no further step", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        expect(plan(apply(now, plan(now, to)), to)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("there and back again is where it began", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        const there = apply(now, plan(now, to));
        const back = apply(there, plan(there, { ...now, ifindex: now.snapshot.device.ifindex }));
        expect(back.place).toBe(now.place);
        expect(differences(back.snapshot, now.snapshot)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("each change by itself leads to the same", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        const steps = plan(now, to);
        expect(apply(now, separately(steps))).toEqual(apply(now, steps));
      }),
      { numRuns: 2000 },
    );
  });

  test("no step changes nothing", () => {
    fc.assert(
      fc.property(way, ([now, to]) => {
        for (const step of plan(now, to)) expect(step).not.toEqual({ type: "change", change: NO_CHANGE });
      }),
      { numRuns: 2000 },
    );
  });
});

const HOME = deviceOf({ altnames: ["nic-one"], alias: "the first" });

describe("the way in", () => {
  const inside = (to: Snapshot) =>
    plan(
      { place: "home", snapshot: snapshotOf(HOME, ...to.addresses) },
      { place: "inside", snapshot: to, ifindex: null },
    );

  test("is one message, and then the addresses", () => {
    const address = addressOf("192.0.2.1/24");
    const steps = inside(snapshotOf({ ...HOME, name: "eth1", mtu: 9000, mac: "02:00:00:00:00:99" }, address));
    expect(steps).toEqual([
      {
        type: "move",
        to: "inside",
        ifindex: null,
        change: { ...NO_CHANGE, name: "eth1", mtu: 9000, mac: "02:00:00:00:00:99", up: true },
      },
      { type: "add-address", address: { ...address, flags: 0 }, proven: true },
    ]);
  });

  test("sets nothing that travels with the device", () => {
    expect(inside(snapshotOf({ ...HOME, up: false }))).toEqual([
      { type: "move", to: "inside", ifindex: null, change: NO_CHANGE },
    ]);
  });

  test("takes off an altname that shall be the name before the move", () => {
    const steps = inside(snapshotOf({ ...HOME, name: "nic-one", altnames: [], up: false }));
    expect(steps.map(({ type }) => type)).toEqual(["delete-altname", "move"]);
  });

  test("adds IPv4 addresses as they are listed, and IPv6 ones the other way round", () => {
    const texts = ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::2/64"];
    const steps = inside(snapshotOf(HOME, ...texts.map((text) => addressOf(text))));
    const added = steps.flatMap((step) => (step.type === "add-address" ? [step.address.local] : []));
    expect(added).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::2", "2001:db8::1"]);
  });

  test.each([
    ["proven", 0x80, true],
    ["proven, and without detection for good", 0x82, true],
    ["doubted still", 0xc0, false],
    ["found to be a duplicate", 0x88, false],
  ])("an address that is %s", (_, flags, proven) => {
    const steps = inside(snapshotOf(HOME, addressOf("2001:db8::1/64", { flags })));
    expect(steps).toContainEqual({
      type: "add-address",
      address: addressOf("2001:db8::1/64", { flags: flags & 0x02 }),
      proven,
    });
  });

  test("asks for no flag that order, time or detection decides", () => {
    const all = 0x01 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80;
    const steps = inside(snapshotOf(HOME, addressOf("192.0.2.1/24", { flags: all | 0x200 })));
    expect(steps).toContainEqual(
      expect.objectContaining({ address: addressOf("192.0.2.1/24", { flags: 0x200 }) }),
    );
  });
});

describe("the way home", () => {
  const was = snapshotOf(HOME, addressOf("192.0.2.1/24"), addressOf("2001:db8::1/64"));

  function wayHome(now: Partial<typeof HOME>, ...addresses: readonly Address[]) {
    const device = { ...HOME, ...now };
    return plan(
      { place: "inside", snapshot: snapshotOf(device, ...addresses) },
      { place: "home", snapshot: was, ifindex: 7 },
    );
  }

  test("asks for the ifindex, name and MAC, and for all addresses anew", () => {
    expect(wayHome({ ifindex: 3, name: "wan", mac: "02:00:00:00:00:66" }, addressOf("192.0.2.1/24"))).toEqual(
      [
        {
          type: "move",
          to: "home",
          ifindex: 7,
          change: { ...NO_CHANGE, name: "ens4", mac: "02:00:00:00:00:07", up: true },
        },
        { type: "add-address", address: addressOf("192.0.2.1/24", { flags: 0 }), proven: true },
        { type: "add-address", address: addressOf("2001:db8::1/64", { flags: 0 }), proven: true },
      ],
    );
  });

  test("drops altnames that it got inside before it goes, and gives back its own when it is there", () => {
    const types = wayHome({ altnames: ["theirs"] }).map((step) =>
      "altname" in step ? `${step.type} ${step.altname}` : step.type,
    );
    expect(types.slice(0, 3)).toEqual(["delete-altname theirs", "move", "add-altname nic-one"]);
  });

  test("takes an alias away with an empty one", () => {
    const [step] = plan(
      { place: "inside", snapshot: snapshotOf(HOME) },
      { place: "home", snapshot: snapshotOf({ ...HOME, alias: null }), ifindex: null },
    );
    expect(step).toMatchObject({ type: "move", change: { alias: "" } });
  });

  test("brings nothing up that was down", () => {
    const down = snapshotOf({ ...HOME, up: false });
    const steps = plan({ place: "inside", snapshot: was }, { place: "home", snapshot: down, ifindex: null });
    expect(steps).toEqual([{ type: "move", to: "home", ifindex: null, change: NO_CHANGE }]);
  });

  test("leaves out what the kernel makes by itself, and what has expired by now", () => {
    const home = {
      ...snapshotOf(
        HOME,
        addressOf("fe80::ff:fe00:7/64", { scope: 253 }),
        addressOf("2001:db8::a/64", { validLifetime: 10, preferredLifetime: 5 }),
        addressOf("2001:db8::b/64", { validLifetime: 100, preferredLifetime: 5 }),
      ),
      takenAt: 1000,
    };
    const now = { place: "inside", snapshot: { ...snapshotOf(HOME), takenAt: 31_500 } } as const;
    const added = plan(now, { place: "home", snapshot: home, ifindex: null }).flatMap((step) =>
      step.type === "add-address" ? [step.address] : [],
    );
    expect(added).toEqual([
      addressOf("2001:db8::b/64", { flags: 0, validLifetime: 70, preferredLifetime: 0 }),
    ]);
  });
});

describe("in place", () => {
  const inPlace = (from: Snapshot, to: Snapshot) =>
    plan({ place: "home", snapshot: from }, { place: "home", snapshot: to, ifindex: 99 });

  test("an address that differs is deleted and added anew; one that does not is left alone", () => {
    const kept = addressOf("192.0.2.1/24");
    const labelled = addressOf("192.0.2.2/24", { label: "ens4:web" });
    const plain = addressOf("192.0.2.2/24", { label: "ens4" });
    expect(inPlace(snapshotOf(HOME, kept, plain), snapshotOf(HOME, kept, labelled))).toEqual([
      { type: "delete-address", address: plain },
      { type: "add-address", address: { ...labelled, flags: 0 }, proven: true },
    ]);
  });

  test("an IPv6 address that has another prefix or peer is not the same", () => {
    const was = addressOf("2001:db8::1/64");
    const others = [addressOf("2001:db8::1/128"), { ...was, peer: "2001:db8::2" }];
    for (const other of others) {
      expect(inPlace(snapshotOf(HOME, other), snapshotOf(HOME, was)).map(({ type }) => type)).toEqual([
        "delete-address",
        "add-address",
      ]);
      expect(differences(snapshotOf(HOME, other), snapshotOf(HOME, was))).toEqual([
        "address 2001:db8::1/64 is not what it was",
      ]);
    }
  });

  test("IPv6 addresses that the link takes with it as it goes down are there again", () => {
    const address = addressOf("2001:db8::1/64");
    const [up, down] = [snapshotOf(HOME, address), snapshotOf({ ...HOME, up: false }, address)];
    const end = apply({ place: "home", snapshot: up }, inPlace(up, down));
    expect(end.snapshot.addresses).toEqual(down.addresses);
  });

  test("secondary IPv4 addresses that their primary takes with it are there again", () => {
    const [first, ...others] = ["192.0.2.9/24", "192.0.2.1/24", "203.0.113.1/24"].map((text) =>
      addressOf(text),
    );
    if (first === undefined) throw new Error("three addresses were made");
    const [all, rest] = [snapshotOf(HOME, first, ...others), snapshotOf(HOME, ...others)];
    const end = apply({ place: "home", snapshot: all }, inPlace(all, rest));
    expect(end.snapshot.addresses.map(({ local }) => local).toSorted()).toEqual(["192.0.2.1", "203.0.113.1"]);
  });

  test("labels that a rename makes up are put right", () => {
    const labels = ["eth9:a", "lab"].map((label, at) => addressOf(`192.0.2.${at + 1}/24`, { label }));
    const [was, shall] = [snapshotOf({ ...HOME, name: "eth9" }, ...labels), snapshotOf(HOME, ...labels)];
    const end = apply({ place: "home", snapshot: was }, inPlace(was, shall));
    expect(differences(end.snapshot, shall)).toEqual([]);
  });

  test("settings are there before the device is up, and before its addresses", () => {
    const shall = { ...snapshotOf(HOME, addressOf("192.0.2.1/24")), sysctls: { "ipv6.accept_ra": 0 } };
    const steps = plan(
      { place: "inside", snapshot: snapshotOf(HOME) },
      { place: "home", snapshot: shall, ifindex: null },
    );
    expect(steps.map((step) => (step.type === "change" ? `up ${step.change.up}` : step.type))).toEqual([
      "move",
      "set-sysctls",
      "up true",
      "add-address",
    ]);
    expect(steps[0]).toMatchObject({ change: { up: null } });
  });

  test("settings that are so already are left alone", () => {
    const settings = (sysctls: Record<string, number>) => ({ ...snapshotOf(HOME), sysctls });
    const now = settings({ "ipv4.arp_ignore": 1, "ipv4.rp_filter": 2, "ipv4.tag": 9 });
    expect(inPlace(now, settings({ "ipv4.arp_ignore": 1, "ipv4.rp_filter": 0 }))).toEqual([
      { type: "set-sysctls", sysctls: { "ipv4.rp_filter": 0 } },
    ]);
    expect(differences(now, settings({ "ipv4.rp_filter": 0, "ipv6.mtu": 1300 }))).toEqual([
      "sysctl ipv4.rp_filter is 2, not 0",
      "sysctl ipv6.mtu is not there, not 1300",
    ]);
  });

  test("the kernel's own link-local address is left alone", () => {
    const own = addressOf("fe80::ff:fe00:7/64", { scope: 253 });
    expect(inPlace(snapshotOf(HOME, own), snapshotOf(HOME))).toEqual([]);
  });

  test("lifetimes that run are no difference", () => {
    const then = addressOf("2001:db8::a/64", { validLifetime: 100, preferredLifetime: 50 });
    const now = addressOf("2001:db8::a/64", { validLifetime: 40, preferredLifetime: 0, flags: 0x20 });
    expect(inPlace(snapshotOf(HOME, now), snapshotOf(HOME, then))).toEqual([]);
  });
});

describe("differences are told to a person", () => {
  test.each([
    [{ name: "eth9" }, "name is eth9, not ens4"],
    [{ mtu: 1400 }, "mtu is 1400, not 1500"],
    [{ mac: null }, "mac is null, not 02:00:00:00:00:07"],
    [{ alias: null }, "alias is null, not the first"],
    [{ txqueuelen: 5 }, "txqueuelen is 5, not 1000"],
    [{ group: 5 }, "group is 5, not 0"],
    [{ master: 5 }, "master is 5, not none"],
    [
      { flags: 0x1100 },
      "flags are promisc on allmulticast off multicast on arp on, not promisc off allmulticast off multicast on arp on",
    ],
    [{ up: false }, "up is false, not true"],
    [{ altnames: [] }, "altnames is none, not nic-one"],
  ])("%o", (members, text) => {
    expect(differences(snapshotOf({ ...HOME, ...members }), snapshotOf(HOME))).toEqual([text]);
  });

  test("of addresses: those that are missing and those that are not what they were, not those beyond", () => {
    const wanted = snapshotOf(HOME, addressOf("192.0.2.1/24"), addressOf("2001:db8::1/64", { flags: 0x280 }));
    const now = snapshotOf(HOME, addressOf("2001:db8::1/64"), addressOf("203.0.113.1/24"));
    expect(differences(now, wanted)).toEqual([
      "address 192.0.2.1/24 is not there",
      "address 2001:db8::1/64 is not what it was",
    ]);
  });

  test("order of altnames, operational state and ifindex are none", () => {
    const now = { ...HOME, altnames: ["b", "a"], operstate: "down", ifindex: 99 };
    expect(differences(snapshotOf(now), snapshotOf({ ...HOME, altnames: ["a", "b"] }))).toEqual([]);
  });

  test("chosen flags alone count", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xfff }), fc.integer({ min: 0, max: 0xfff }), (one, other) => {
        const of = (flags: number) => addressOf("192.0.2.1/24", { flags });
        const same = chosenFlags(of(one)) === chosenFlags(of(other));
        const found = differences(snapshotOf(HOME, of(one)), snapshotOf(HOME, of(other)));
        expect(found).toEqual(same ? [] : ["address 192.0.2.1/24 is not what it was"]);
      }),
    );
  });
});
