import { struct } from "../../ffi/layout.ts";
import type { PolicyRule } from "../domain/policy-rule.ts";
import { ip } from "./address.ts";
import { asciiz, attributes, raw, u8, u32, type Values } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, RTM_GETRULE } from "./uapi.ts";

/** struct fib_rule_hdr (linux/fib_rules.h). */
export const fib_rule_hdr = struct("fib_rule_hdr", {
  family: "u8",
  dst_len: "u8",
  src_len: "u8",
  tos: "u8",
  table: "u8",
  res1: "u8",
  res2: "u8",
  action: "u8",
  flags: "u32",
});

/** FRA_* (linux/fib_rules.h). */
const FRA_ENTRIES = {
  FRA_DST: [1, ip],
  FRA_SRC: [2, ip],
  FRA_IIFNAME: [3, asciiz],
  FRA_GOTO: [4, u32],
  FRA_PRIORITY: [6, u32],
  FRA_FWMARK: [10, u32],
  FRA_FLOW: [11, u32],
  FRA_TUN_ID: [12, raw],
  FRA_SUPPRESS_IFGROUP: [13, u32],
  FRA_SUPPRESS_PREFIXLEN: [14, u32],
  FRA_TABLE: [15, u32],
  FRA_FWMASK: [16, u32],
  FRA_OIFNAME: [17, asciiz],
  FRA_L3MDEV: [19, u8],
  FRA_UID_RANGE: [20, raw],
  FRA_IP_PROTO: [22, u8],
  FRA_SPORT_RANGE: [23, raw],
  FRA_DPORT_RANGE: [24, raw],
  FRA_DSCP: [25, u8],
} as const;
export const FRA = attributes(FRA_ENTRIES);
type Told = Values<typeof FRA_ENTRIES>;

/** RTM_NEWRULE, RTM_GETRULE. */
export const ruleMessage = family(fib_rule_hdr, FRA);

/** FIB_RULE_* (linux/fib_rules.h): what a rule names is not there. */
const FLAG = { invert: 0x02, iifDetached: 0x08, oifDetached: 0x10 } as const;
/** FR_ACT_*. */
const GOTO = 2;
const ACTIONS: ReadonlyMap<number, string> = new Map([
  [3, "nop"],
  [6, "blackhole"],
  [7, "unreachable"],
  [8, "prohibit"],
]);
const TABLES: ReadonlyMap<number, string> = new Map([
  [253, "default"],
  [254, "main"],
  [255, "local"],
]);
/** Of a suppressor that there is not. */
const NONE = 0xffffffff;

/** Reads the policy rules of all families, which the kernel does not tell by device; for `dump`. */
export function getRules(): Request {
  return ruleMessage.request(RTM_GETRULE, 0, { family: AF_UNSPEC }, {}, "list policy rules");
}

/** The rule that an RTM_NEWRULE tells of; null where it names none of `names`, or holds for none of them. */
export function decodeRule(payload: Uint8Array, names: readonly string[]): PolicyRule | null {
  const { header, values } = ruleMessage.decode(payload);
  const { FRA_IIFNAME: iif, FRA_OIFNAME: oif } = values;
  const comesIn = iif !== undefined && names.includes(iif) && (header.flags & FLAG.iifDetached) === 0;
  const goesOut = oif !== undefined && names.includes(oif) && (header.flags & FLAG.oifDetached) === 0;
  if (!comesIn && !goesOut) return null;
  if (header.family !== AF_INET && header.family !== AF_INET6) return null;
  return { family: header.family === AF_INET ? "inet" : "inet6", words: wordsOf(header, values) };
}

/** As print_rule() of ip(8) has them, in its order. */
function wordsOf(header: { [M in keyof typeof fib_rule_hdr.offsets]: number }, told: Told): string {
  const { src_len, dst_len, tos, action, flags } = header;
  const said = <T>(word: string, value: T | undefined, text: (value: T) => string | number) =>
    value === undefined ? "" : ` ${word} ${text(value)}`;
  const table = told.FRA_TABLE ?? header.table;
  const suppressor = (value: number | undefined) => (value === NONE ? undefined : value);
  const plain = (value: string | number) => value;
  return [
    `${told.FRA_PRIORITY ?? 0}:`,
    (flags & FLAG.invert) === 0 ? "" : " not",
    ` from ${told.FRA_SRC === undefined ? "all" : prefix(told.FRA_SRC, src_len)}`,
    said("to", told.FRA_DST, (to) => prefix(to, dst_len)),
    tos === 0 ? "" : ` tos 0x${tos.toString(16)}`,
    said("dscp", told.FRA_DSCP, plain),
    (told.FRA_FWMARK ?? 0) === 0 && told.FRA_FWMASK === undefined
      ? ""
      : ` fwmark ${markText(told.FRA_FWMARK ?? 0, told.FRA_FWMASK)}`,
    said("iif", told.FRA_IIFNAME, plain),
    said("oif", told.FRA_OIFNAME, plain),
    said("uidrange", told.FRA_UID_RANGE, (range) => rangeText(range, 4)),
    said("ipproto", told.FRA_IP_PROTO || undefined, plain),
    said("sport", told.FRA_SPORT_RANGE, (range) => rangeText(range, 2)),
    said("dport", told.FRA_DPORT_RANGE, (range) => rangeText(range, 2)),
    said("tun_id", told.FRA_TUN_ID, (id) => `0x${id.toHex()}`),
    (told.FRA_L3MDEV ?? 0) === 0 ? "" : " lookup [l3mdev-table]",
    table === 0 ? "" : ` lookup ${TABLES.get(table) ?? table}`,
    said("suppress_prefixlength", suppressor(told.FRA_SUPPRESS_PREFIXLEN), plain),
    said("suppress_ifgroup", suppressor(told.FRA_SUPPRESS_IFGROUP), plain),
    said("realms", told.FRA_FLOW || undefined, (flow) => `${flow >>> 16}/${flow & 0xffff}`),
    action === GOTO ? ` goto ${told.FRA_GOTO ?? "none"}` : "",
    ACTIONS.has(action) ? ` ${ACTIONS.get(action)}` : "",
  ].join("");
}

function prefix(address: string, length: number): string {
  return length === (address.includes(":") ? 128 : 32) ? address : `${address}/${length}`;
}

function markText(mark: number, mask: number | undefined): string {
  const isWhole = mask === undefined || mask === NONE;
  return `0x${mark.toString(16)}${isWhole ? "" : `/0x${mask.toString(16)}`}`;
}

/** struct fib_rule_uid_range, struct fib_rule_port_range (linux/fib_rules.h). */
function rangeText(range: Uint8Array, bytes: 2 | 4): string {
  const view = viewOf("range", range, bytes * 2);
  const at = (offset: number) => (bytes === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true));
  return at(0) === at(bytes) && bytes === 2 ? `${at(0)}` : `${at(0)}-${at(bytes)}`;
}
