import type { PolicyRule } from "../domain/policy-rule.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { decodeRule, getRules } from "../netlink/policy-rule.ts";

/** All policy rules of a namespace, which are asked for once. */
export type RuleCache = () => readonly Message[];

/** A cache that is empty at first; of use for as long as one event is looked at. */
export function ruleCache(connection: Connection): RuleCache {
  let known: readonly Message[] | null = null;
  return () => {
    known ??= dumpRules(connection);
    return known;
  };
}

function dumpRules(connection: Connection): readonly Message[] {
  try {
    return connection.dump(getRules());
  } catch (error) {
    // A kernel without CONFIG_FIB_RULES.
    if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") return [];
    throw error;
  }
}

/** The policy rules that name a device with one of these names and altnames, and hold for it. */
export function readRules(cache: RuleCache, names: readonly string[]): PolicyRule[] {
  return cache()
    .map(({ payload }) => decodeRule(payload, names))
    .filter((found) => found !== null);
}
