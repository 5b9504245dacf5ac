import type { GivenAddress, Mapping } from "../../../src/domain/mapping.ts";
import { mappingFor } from "../../unit/engine/events.ts";

const given: GivenAddress = { family: "inet6", local: "2001:db8::77", prefixLength: 64 };

/** Overlapping wishes, so that containers get into each other's way. */
const FIRST: readonly Mapping[] = [
  mappingFor("c0", { match: { name: "d0" }, name: "eth0" }),
  mappingFor("c1", { match: { name: "d?" }, count: "all", name: "net%d" }),
  mappingFor("c2", { match: { name: "d1" }, mtu: 1300 }, { match: { name: "d2" }, name: "d0" }),
  {
    ...mappingFor("c3", { match: { kind: "veth" }, count: 2, name: "eth%d", dad: "skip" }),
    required: false,
  },
  mappingFor(
    "c4",
    { match: { altname: "d1-second" }, name: "eth0", mac: "02:00:00:00:00:aa", up: false },
    { match: { name: "d2" }, addresses: [given], dad: "wait", force: true },
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
];

/** What a daemon starts with, and what it may be given later. */
export const MAPPINGS = { first: FIRST, any: [FIRST, FIRST, ...OTHERS] } as const;

/** The containers' ids. */
export const IDS = ["c0", "c1", "c2", "c3", "c4"] as const;
