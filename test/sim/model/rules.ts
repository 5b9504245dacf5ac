import type { Message } from "../../../src/netlink/message.ts";
import { ruleMessage } from "../../../src/netlink/policy-rule.ts";
import { RTM_NEWRULE } from "../../../src/netlink/uapi.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** FIB_RULE_*_DETACHED (linux/fib_rules.h). */
const [IIF_DETACHED, OIF_DETACHED] = [0x08, 0x10];

/** A policy rule: it looks into one table for what has come in, or goes out, by a device. */
export interface Rule {
  /** AF_INET, AF_INET6. */
  readonly family: number;
  readonly priority: number;
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly table: number;
}

/** RTM_NEWRULE with NLM_F_CREATE and NLM_F_EXCL. */
export function addRule({ namespace: { rules } }: Caller, request: Message): void {
  const { header, values } = ruleMessage.decode(request.payload);
  const rule: Rule = {
    family: header.family,
    priority: values.FRA_PRIORITY ?? 0,
    iif: values.FRA_IIFNAME,
    oif: values.FRA_OIFNAME,
    table: header.table,
  };
  const isSame = (other: Rule) => JSON.stringify(other) === JSON.stringify(rule);
  if (rules.some(isSame)) refuse("EEXIST");
  rules.push(rule);
}

/**
 * RTM_GETRULE with NLM_F_DUMP: of all families. A rule holds for whatever is called as it says (attach_rules()); that
 * it may be made by an altname is left out here.
 */
export function dumpRules({ namespace: { rules, links } }: Caller): Answer[] {
  const names = new Set(Array.from(links.values(), ({ name }) => name));
  const detached = (name: string | undefined, flag: number) =>
    name === undefined || names.has(name) ? 0 : flag;
  return rules.map(({ family, priority, iif, oif, table }) => {
    const flags = detached(iif, IIF_DETACHED) | detached(oif, OIF_DETACHED);
    const values = { FRA_PRIORITY: priority, FRA_IIFNAME: iif, FRA_OIFNAME: oif, FRA_TABLE: table };
    return { type: RTM_NEWRULE, payload: ruleMessage.encode({ family, table, action: 1, flags }, values) };
  });
}
