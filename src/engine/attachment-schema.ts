import * as v from "valibot";
import type { Attachment } from "../domain/attachment.ts";
import { NO_SYSCTLS } from "../domain/sysctls.ts";
import { CODES } from "../domain/verdict.ts";

/**
 * What the journal holds of an Attachment, parsed and not trusted: a damaged row is a fault, not a crash.
 *
 * A package is upgraded while devices are away: what is added has a default for the rows that lack it, and nothing is
 * taken away or given another meaning. Raising SCHEMA_VERSION sets journals aside, and takes a reader of the old ones.
 */

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.nullable(v.string());
const number = v.nullable(v.number());

const hardware = v.object({
  pci: text,
  driver: text,
  pf: v.nullable(v.object({ pci: v.string(), names: v.array(v.string()) })),
});

const device = v.object({
  ifindex: count,
  name: v.string(),
  altnames: v.array(v.string()),
  alias: text,
  kind: text,
  type: count,
  mac: text,
  permanentMac: text,
  mtu: count,
  txqueuelen: count,
  group: count,
  flags: v.optional(number, null),
  up: v.boolean(),
  operstate: v.string(),
  link: number,
  linkNetnsid: number,
  master: number,
  slaveKind: text,
  underlay: number,
  // Journals of before there was one lack it.
  remote: v.optional(v.nullable(v.object({ address: v.string(), source: text, mark: count })), null),
  parentBus: text,
  parentDev: text,
  netnsImmutable: v.nullable(v.boolean()),
  hardware: v.exactOptional(hardware),
});

const address = v.object({
  family: v.picklist(["inet", "inet6"]),
  local: v.string(),
  peer: text,
  prefixLength: count,
  broadcast: text,
  label: text,
  scope: count,
  flags: count,
  metric: number,
  protocol: number,
  preferredLifetime: number,
  validLifetime: number,
});

const nexthop = v.object({ device: v.nullable(count), gateway: text, onlink: v.boolean(), weight: count });

const route = v.object({
  family: v.picklist(["inet", "inet6"]),
  to: v.string(),
  prefixLength: count,
  from: text,
  fromLength: count,
  table: count,
  type: count,
  scope: count,
  protocol: count,
  tos: count,
  metric: number,
  source: text,
  realm: number,
  nexthops: v.array(nexthop),
  metrics: v.record(v.string(), v.union([v.number(), v.string()])),
  preference: number,
  lifetime: number,
  nexthopId: number,
  encapsulated: v.boolean(),
});

const nexthopObject = v.object({ id: count, gateway: text });

const policyRule = v.object({ family: v.picklist(["inet", "inet6"]), words: v.string() });

const vlan = v.object({
  first: count,
  last: count,
  pvid: v.boolean(),
  untagged: v.boolean(),
  options: v.exactOptional(v.string()),
});

const group = v.object({
  address: v.string(),
  vlan: count,
  source: text,
  mode: number,
  sources: v.array(v.string()),
  protocol: number,
});

const port = v.object({
  settings: v.record(v.string(), v.number()),
  vlans: v.optional(v.nullable(v.array(vlan)), null),
  mac: v.exactOptional(text),
  groups: v.exactOptional(v.array(group)),
});

const neighbour = v.object({
  family: v.picklist(["inet", "inet6", "bridge"]),
  address: text,
  lladdr: text,
  state: count,
  flags: count,
  vlan: number,
  port: number,
  vni: number,
  via: number,
});

const snapshot = v.object({
  device,
  addresses: v.array(address),
  routes: v.optional(v.array(route), []),
  daemonRoutes: v.exactOptional(count),
  nexthops: v.exactOptional(v.array(nexthopObject)),
  rules: v.exactOptional(v.array(policyRule)),
  multicasts: v.exactOptional(v.array(v.string())),
  token: v.exactOptional(v.string()),
  port: v.optional(v.nullable(port), null),
  neighbours: v.optional(v.array(neighbour), []),
  qdisc: v.optional(v.nullable(v.object({ kind: v.string(), handle: count, options: v.string() })), null),
  ingress: v.optional(text, null),
  // Journals of before had none: what was not on record is not put back.
  sysctls: v.optional(v.record(v.string(), v.number()), NO_SYSCTLS),
  takenAt: v.number(),
});

const problem = v.object({ code: v.picklist(CODES), message: v.string(), device: text });

/** One device of a row, which the journal keeps by itself. */
export const attachedDeviceSchema = v.object({
  snapshot,
  wanted: snapshot,
  settle: v.boolean(),
  state: v.picklist(["home", "moving", "inside", "returning", "stuck"]),
  insideIfindex: v.nullable(count),
  // Journals of before nobody was followed lack it.
  movedTo: v.optional(text, null),
  ofBundle: v.exactOptional(v.literal(true)),
});

const holder = v.object({
  id: v.string(),
  pid: v.nullable(count),
  startTime: v.nullable(count),
  path: text,
  ended: v.boolean(),
});

/** One row of the journal. */
export const attachmentSchema = v.object({
  key: count,
  cookie: v.string(),
  holders: v.array(holder),
  mapping: v.string(),
  onExit: v.picklist(["return", "leave"]),
  state: v.picklist(["pending", "attaching", "attached", "returning", "stuck"]),
  since: v.number(),
  event: v.string(),
  devices: v.array(attachedDeviceSchema),
  warnings: v.array(problem),
  error: v.nullable(problem),
});

/** An Attachment from what {@link JSON.parse} made of a row; a ValiError for anything else. */
export function parseAttachment(value: unknown): Attachment {
  return v.parse(attachmentSchema, value);
}
