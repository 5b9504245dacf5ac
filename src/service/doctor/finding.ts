/** `fail`: netdevd cannot work so; `warn`: it works, and something is not as it is best. */
export type Level = "pass" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  readonly level: Level;
  /** What it is about, in a word or two. */
  readonly about: string;
  /** What was found. */
  readonly found: string;
  /** What to do; null where all is well. */
  readonly mend: string | null;
}

/** All is well. */
export function pass(about: string, found: string): Finding {
  return { level: "pass", about, found, mend: null };
}

/** Works, and is not as it is best. */
export function warn(about: string, found: string, mend: string): Finding {
  return { level: "warn", about, found, mend };
}

/** netdevd cannot work so. */
export function fail(about: string, found: string, mend: string): Finding {
  return { level: "fail", about, found, mend };
}
