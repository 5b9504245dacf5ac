import type { constants } from "node:os";

/** "EEXIST", … */
export type ErrnoCode = keyof typeof constants.errno;

/** The model kernel refuses a request: what it has done by then stays done. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrnoCode;
  /** NLMSGERR_ATTR_MSG, or null where the kernel says no more than the errno. */
  readonly extack: string | null;

  constructor(code: ErrnoCode, extack: string | null) {
    super(extack ?? code);
    this.code = code;
    this.extack = extack;
  }
}

/** Throws a {@link Refusal}. */
export function refuse(code: ErrnoCode, extack: string | null = null): never {
  throw new Refusal(code, extack);
}
