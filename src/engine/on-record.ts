import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";

/** What cannot be put on record is not done: the next daemon would know nothing of it. */
export function unwritable(what: string): Problem {
  const message = `${what}; see to the state folder`;
  return { code: "journal-unwritable", message, device: null };
}

/** Why nobody is to be told that this is so for good: the next daemon would begin from less. null: it is on record. */
export function notOnRecord({ registry }: Context, key: number): Problem | null {
  if (registry.isOnRecord(key)) return null;
  return unwritable("the journal cannot be written, and the next start of netdevd would undo what was done");
}
