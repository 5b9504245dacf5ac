import type { GivenAddress, GivenRoute, Mapping } from "../../../src/domain/mapping.ts";
import { mappingFor } from "../../unit/engine/events.ts";

const given: GivenAddress = { family: "inet6", local: "2001:db8::77", prefixLength: 64 };
const everywhere = { prefixLength: 0, metric: null, table: null, source: null } as const;
const routes: readonly GivenRoute[] = [
  { ...everywhere, family: "inet", to: "0.0.0.0", via: "192.0.2.99", onlink: true },
  { ...everywhere, family: "inet6", to: "::", via: "fe80::99", onlink: false },
];
const sysctls = { "ipv4.rp_filter": 2, "ipv6.accept_ra": 0, "ipv4.neigh.app_solicit": 7 };

/** Overlapping wishes, so that containers get into each other's way. */
const FIRST: readonly Mapping[] = [
  mappingFor("c0", { match: { name: "d0" }, name: "eth0" }),
  mappingFor("c1", { match: { name: "d?" }, count: "all", name: "net%d", routes: "preserve" }),
  mappingFor("c2", { match: { name: "d1" }, mtu: 1300, sysctls }, { match: { name: "d2" }, name: "d0" }),
  {
    ...mappingFor("c3", { match: { kind: "veth" }, count: 2, name: "eth%d", dad: "skip" }),
    required: false,
  },
  mappingFor(
    "c4",
    { match: { altname: "d1-second" }, name: "eth0", mac: "02:00:00:00:00:aa", up: false },
    { match: { name: "d2" }, addresses: [given], routes, dad: "wait", force: true },
  ),
];

/** What else may be asked for by a config that is reloaded. */
const OTHERS: readonly (readonly Mapping[])[] = [
  FIRST.slice(0, 2),
  [
    { ...mappingFor("c0", { match: { name: "d1" }, addresses: [] }), onExit: "leave" },
    mappingFor("c*", { match: { name: "d0" } }, { match: { name: "d1" }, name: "d0-second" }),
  ],
  [],
  [
    { ...mappingFor("c0", { match: { name: "d1" }, sysctls }, { match: { name: "d4" } }), wait: 5_000 },
    mappingFor("c*", { match: { kind: "?*" }, count: "all", name: "in%d", routes: "preserve", force: true }),
  ],
];

/** What a daemon starts with, and what it may be given later. */
export const MAPPINGS = { first: FIRST, any: [FIRST, FIRST, ...OTHERS] } as const;

/** Ids of containers that no mapping is for: they ask by their bundles alone. */
export const UNMAPPED: readonly string[] = ["b0", "b1"];

/** The containers' ids. */
export const IDS: readonly string[] = ["c0", "c1", "c2", "c3", "c4", ...UNMAPPED];
