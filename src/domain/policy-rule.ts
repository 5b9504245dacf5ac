import type { Snapshot } from "./snapshot.ts";

/** A policy rule (`ip rule`) that names a device by what came in or goes out by it, and holds for it. */
export interface PolicyRule {
  readonly family: "inet" | "inet6";
  /** All that it says, as `ip rule` writes it: `100: from all iif d0 lookup 77`. */
  readonly words: string;
}

/** Those of `wanted` that are not there any more, or hold for the device no more. */
export function rulesMissing(now: Snapshot, wanted: Snapshot): PolicyRule[] {
  const there = now.rules ?? [];
  return (wanted.rules ?? []).filter(
    ({ family, words }) => !there.some((other) => other.family === family && other.words === words),
  );
}

/** For a person: `policy rule 100: from all iif d0 lookup 77`. */
export function ruleText({ family, words }: PolicyRule): string {
  return `${family === "inet6" ? "IPv6 " : ""}policy rule ${words}`;
}
