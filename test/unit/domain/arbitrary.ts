import fc from "fast-check";
import { type Address, addressKey } from "../../../src/domain/address.ts";
import { formatIp } from "../../../src/domain/ip.ts";
import { formatMac } from "../../../src/domain/mac.ts";
import type { Goal, Located } from "../../../src/domain/plan.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { deviceOf } from "./samples.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** Any IPv4 or IPv6 address as bytes; zeros and ones are common, so that runs of them are too. */
export const ipBytes = fc.oneof(
  bytes(4),
  bytes(16),
  fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xff, 0x20), { minLength: 16, maxLength: 16 })
    .map((list) => Uint8Array.from(list)),
);

/** Any 48-bit MAC that one device can have. */
export const mac = bytes(6).map((list) => formatMac(list.with(0, ((list[0] ?? 0) & 0xfe) | 2)));

/** Names that clash often: a handful. */
const name = fc.constantFrom("eth0", "eth1", "eth2", "wan", "ens4", "enp0s4");

const lifetimes = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ validLifetime: null, preferredLifetime: null }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 90_000 }), fc.integer({ min: 0, max: 90_000 }))
      .map(([valid, preferred]) => ({ validLifetime: valid, preferredLifetime: Math.min(valid, preferred) })),
  },
);

/** IFA_F_*: NODAD, DADFAILED, DEPRECATED, TENTATIVE, PERMANENT, MANAGETEMPADDR, NOPREFIXROUTE. */
const flags = fc
  .subarray([0x02, 0x08, 0x20, 0x40, 0x80, 0x100, 0x200])
  .map((list) => list.reduce((sum, flag) => sum | flag, 0));

const common = fc.record({
  flags,
  scope: fc.constantFrom(0, 0, 0, 200, 253),
  metric: fc.option(fc.integer({ min: 1, max: 1000 })),
  protocol: fc.constantFrom(null, 3, 4, 186),
});

/** A few hosts, so that the same one comes up with other prefixes and peers. */
const host = fc.integer({ min: 1, max: 6 });

const ipv4: fc.Arbitrary<Address> = fc
  .record({
    common,
    lifetimes,
    host,
    peer: fc.option(host),
    prefix: fc.constantFrom(24, 32),
    label: fc.constantFrom("web", "eth0:web"),
  })
  .map(({ common, lifetimes, host, peer, prefix, label }) => ({
    family: "inet",
    local: `192.0.2.${host}`,
    peer: peer === null || peer === host ? null : `198.51.100.${peer}`,
    prefixLength: prefix,
    broadcast: prefix === 24 ? "192.0.2.255" : null,
    label,
    ...common,
    // The kernel takes addresses of one subnet in one scope alone.
    scope: prefix === 24 ? 0 : common.scope,
    ...lifetimes,
  }));

const ipv6: fc.Arbitrary<Address> = fc
  .record({ common, lifetimes, host, peer: fc.option(host), prefix: fc.constantFrom(64, 128) })
  .map(({ common, lifetimes, host, peer, prefix }) => ({
    family: "inet6",
    local: localOf(common, host),
    peer: peer === null || peer === host ? null : `2001:db8:1::${peer}`,
    prefixLength: prefix,
    broadcast: null,
    label: null,
    ...common,
    ...lifetimes,
  }));

/** What the kernel makes (IFAPROT_KERNEL_LL) and what somebody chose are never the same. */
function localOf({ scope, protocol }: { scope: number; protocol: number | null }, host: number): string {
  if (scope !== 253) return `2001:db8::${host}`;
  return protocol === 3 ? `fe80::ff:${host}` : `fe80::${host}`;
}

/** Addresses of one device, of which the kernel keeps no two with the same key. */
export const addresses = fc.uniqueArray(fc.oneof(ipv4, ipv6), { maxLength: 8, selector: addressKey });

/** A few settings below /proc/sys/net, all of them known, as they are of a device that is there. */
const settings = fc.record({
  "ipv4.arp_ignore": fc.integer({ min: 0, max: 2 }),
  "ipv6.accept_ra": fc.integer({ min: 0, max: 2 }),
  "ipv4.neigh.app_solicit": fc.integer({ min: 0, max: 1 }),
});

/** What the masters of these ifindexes are. A bond lends its ports a MAC. */
export const MASTERS: Readonly<Record<number, "bridge" | "vrf" | "team" | "bond">> = {
  5: "bridge",
  6: "vrf",
  7: "team",
  8: "bond",
};
export const LENT_MAC = "02:00:00:00:00:0b";

/** What a device with that MAC is as a port of it; and the MAC that it has then. */
function asPort(master: number | null, mac: string, portSettings: Record<"hairpin" | "cost", number>) {
  const kind = master === null ? null : (MASTERS[master] ?? null);
  switch (kind) {
    case "bridge":
      return { slaveKind: kind, mac, port: { settings: portSettings, vlans: null } };
    case "bond": {
      const settings = { queue_id: portSettings.cost };
      return { slaveKind: kind, mac: LENT_MAC, port: { settings, vlans: null, mac: OWN_MAC } };
    }
    case "team":
      return { slaveKind: kind, mac: LENT_MAC, port: { settings: {}, vlans: null, mac: OWN_MAC } };
    default:
      return { slaveKind: kind, mac, port: null };
  }
}

const OWN_MAC = "02:00:00:00:00:01";

/** A device as it may be found: always of the same make, so that any two can be the same one. */
export const snapshot: fc.Arbitrary<Snapshot> = fc
  .record({
    name,
    altnames: fc.uniqueArray(name, { maxLength: 3 }),
    alias: fc.option(fc.constantFrom("a", "b b")),
    mac: fc.constantFrom(OWN_MAC, "02:00:00:00:00:02"),
    mtu: fc.constantFrom(1280, 1500, 9000),
    txqueuelen: fc.constantFrom(0, 1000),
    group: fc.constantFrom(0, 7),
    flags: fc.constantFrom(0x1000, 0x1100, 0x80),
    master: fc.constantFrom(null, 5, 6, 7, 8),
    up: fc.boolean(),
    addresses,
    sysctls: settings,
    portSettings: fc.record({ hairpin: fc.nat(1), cost: fc.integer({ min: 1, max: 3 }) }),
    takenAt: fc.constantFrom(60_000, 61_500, 90_000),
  })
  .map(({ addresses, sysctls, portSettings, takenAt, altnames, ...members }) => {
    const { port, ...is } = asPort(members.master, members.mac, portSettings);
    const others = altnames.filter((altname) => altname !== members.name);
    return {
      device: deviceOf({ ...members, ...is, altnames: others }),
      addresses,
      routes: [],
      neighbours: [],
      qdisc: null,
      ingress: null,
      port,
      sysctls,
      takenAt,
    };
  });

const place = fc.constantFrom("home" as const, "inside" as const);

/** A device somewhere. */
export const located: fc.Arbitrary<Located> = fc.record({ place, snapshot });

/** A device somewhere, and what it shall be, of a minute ago; some of the addresses are there already. */
export const way: fc.Arbitrary<readonly [Located, Goal]> = located.chain((now) =>
  fc
    .record({
      place,
      wanted: snapshot,
      kept: fc.subarray(Array.from(now.snapshot.addresses)),
      ifindex: fc.option(fc.integer({ min: 2, max: 99 })),
    })
    .map(({ place, wanted, kept, ifindex }) => {
      const others = wanted.addresses.filter(
        (one) => !kept.some((other) => addressKey(other) === addressKey(one)),
      );
      const goal = { ...wanted, addresses: [...kept, ...others], takenAt: 0 };
      return [now, { place, snapshot: goal, ifindex }];
    }),
);

/** Canonical text of any address. */
export const ipText = ipBytes.map(formatIp);
