import { type Address, IFA_F_NODAD } from "../../../src/domain/address.ts";
import type { Neighbour } from "../../../src/domain/neighbour.ts";
import type { Qdisc } from "../../../src/domain/qdisc.ts";
import type { Route } from "../../../src/domain/route.ts";
import type { LinkChange } from "../../../src/domain/step.ts";
import { integer, pick, type Random } from "./random.ts";
import { type Action, COMPARED, FDB_PREFIX, type Side, type Sight } from "./replay.ts";

/** Few names, numbers and addresses, so that they meet: clashes are what is of interest. */
const NAMES = ["d0", "d1", "eth0", "eth1", "net1", "eth%d", "d%d", "alt0", "alt1", "a/b", "", "lo"] as const;
const ALTNAMES = ["alt0", "alt1", "alt2", "d0", "eth0"] as const;
const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02", "01:00:00:00:00:01"] as const;
const MTUS = [1500, 1400, 9000, 1000, 10] as const;

/** Any request to any device that is there, and now and then to one that is not. */
export function anyAction(random: Random, sight: Sight): Action {
  const on: Side = pick(random, ["a", "b"]);
  const there = sight[on].map(({ device }) => device.ifindex);
  const at = { on, ifindex: integer(random, 30) === 0 ? 999 : pick(random, there) };
  const own = sight[on].find(({ device }) => device.ifindex === at.ifindex);
  // The model's lo can do nothing; it is there to be refused.
  if (own?.device.name === "lo") return { ...at, do: "change", change: {}, to: pick(random, ["a", "b"]) };
  switch (integer(random, 16)) {
    case 0:
    case 1:
    case 2: {
      const newIfindex = integer(random, 6) === 0 ? { newIfindex: 1 + integer(random, 20) } : {};
      return { ...at, do: "change", to: pick(random, ["a", "b"]), change: anyChange(random), ...newIfindex };
    }
    case 3:
    case 4:
      return { ...at, do: "change", change: anyChange(random) };
    case 5:
      return { ...at, do: pick(random, ["add-altname", "delete-altname"]), altname: pick(random, ALTNAMES) };
    case 6: {
      const [address] = own?.addresses ?? [];
      return { ...at, do: "delete-address", address: address ?? anyAddress(random) };
    }
    case 7:
      return integer(random, 8) === 0
        ? { ...at, do: "delete" }
        : { ...at, do: "replace-address", address: anyAddress(random) };
    case 9:
      return { ...at, do: "add-route", route: anyRoute(random) };
    case 10:
      return { ...at, do: integer(random, 3) === 0 ? "delete-route" : "add-route", route: anyRoute(random) };
    case 11:
    case 13:
      return { ...at, do: "add-neighbour", neighbour: anyNeighbour(random, own?.device.kind ?? null) };
    case 12:
      return { ...at, do: "set-qdisc", qdisc: anyQdisc(random) };
    case 8: {
      const setting = pick(random, COMPARED);
      const value = setting === "ipv6.mtu" ? 1300 : integer(random, 3);
      return { ...at, do: "set-sysctl", setting, value };
    }
    default:
      return { ...at, do: "add-address", address: anyAddress(random) };
  }
}

function anyChange(random: Random): Partial<LinkChange> {
  const maybe = <T>(value: T) => (integer(random, 3) === 0 ? value : null);
  return {
    name: maybe(pick(random, NAMES)),
    mtu: maybe(pick(random, MTUS)),
    mac: maybe(pick(random, MACS)),
    alias: maybe(pick(random, ["", "what it is for"])),
    txqueuelen: maybe(pick(random, [77, 500])),
    group: maybe(pick(random, [0, 7])),
    up: maybe(pick(random, [true, false])),
  };
}

/** On the link, or behind a gateway that may be on it. */
function anyRoute(random: Random): Route {
  const family = pick(random, ["inet", "inet6"] as const);
  const isInet = family === "inet";
  const gateway = pick(random, isInet ? [null, "192.0.0.9", "192.0.1.9"] : [null, "fe80::9", "2001:db8::9"]);
  const host = 1 + integer(random, 3);
  const source = isInet ? `192.0.0.${host}` : null;
  return {
    family,
    to: isInet ? `10.${host}.0.0` : `2001:db8:f${host}::`,
    prefixLength: isInet ? 16 : 48,
    from: null,
    fromLength: 0,
    table: pick(random, [254, 77, 4711]),
    type: 1,
    scope: isInet && gateway === null ? 253 : 0,
    protocol: 3,
    tos: 0,
    metric: pick(random, [null, 7]),
    source: integer(random, 4) === 0 ? source : null,
    realm: null,
    nexthops: [{ device: null, gateway, onlink: gateway !== null && integer(random, 4) === 0, weight: 1 }],
    metrics: {},
    preference: null,
    lifetime: null,
    nexthopId: null,
    encapsulated: false,
  };
}

/** A permanent neighbour, a proxy, or, where the kind keeps no database of its own, a MAC that is listened for. */
function anyNeighbour(random: Random, kind: string | null): Neighbour {
  const keepsItsOwn = kind === "vxlan" || kind === "bridge";
  const family = pick(
    random,
    keepsItsOwn ? (["inet", "inet6"] as const) : (["inet", "inet6", "bridge"] as const),
  );
  const host = 1 + integer(random, 3);
  const common = { family, vlan: null, port: null, vni: null, via: null };
  if (family === "bridge") {
    return { ...common, address: null, lladdr: `${FDB_PREFIX}0${host}`, state: 0x80, flags: 0x02 };
  }
  const address = family === "inet" ? `192.0.0.${host}` : `2001:db8::${host}`;
  if (integer(random, 3) === 0) return { ...common, address, lladdr: null, state: 0, flags: 0x08 };
  return { ...common, address, lladdr: pick(random, MACS), state: 0x80, flags: 0 };
}

/** pfifo and bfifo: what all kernels have, and a number is all of their options. */
function anyQdisc(random: Random): Qdisc {
  return {
    kind: pick(random, ["pfifo", "bfifo"]),
    handle: pick(random, [0x80010000, 0x00010000]),
    options: pick(random, ["07000000", "00100000"]),
  };
}

function anyAddress(random: Random): Address {
  const family = pick(random, ["inet", "inet6"] as const);
  const host = 1 + integer(random, 4);
  const hasPeer = integer(random, 6) === 0;
  const common = {
    metric: integer(random, 5) === 0 ? 77 : null,
    protocol: null,
    preferredLifetime: null,
    validLifetime: null,
  };
  if (family === "inet6") {
    return {
      ...common,
      family,
      local: integer(random, 8) === 0 ? `fe80::${host}` : `2001:db8:${integer(random, 2)}::${host}`,
      peer: hasPeer ? "2001:db8::99" : null,
      prefixLength: hasPeer ? 128 : 64,
      broadcast: null,
      label: null,
      scope: 0,
      flags: pick(random, [0, IFA_F_NODAD, 0x200]),
    };
  }
  return {
    ...common,
    family,
    local: `192.0.${integer(random, 2)}.${host}`,
    peer: hasPeer ? "198.51.100.9" : null,
    prefixLength: hasPeer ? 32 : pick(random, [24, 24, 25]),
    broadcast: pick(random, [null, "192.0.0.255"]),
    label: pick(random, [null, "d0", "d0:web"]),
    scope: pick(random, [0, 0, 0, 253]),
    flags: pick(random, [0, 0x200]),
  };
}
