import { join } from "node:path";

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

/**
 * The command line of `netdevd ARGS`: of this checkout, kept from reading a `.env` of the folder that it is started
 * in, or of the executable that NETDEVD names.
 */
export function netdevd(...args: readonly string[]): string[] {
  const { NETDEVD } = process.env;
  return NETDEVD ? [NETDEVD, ...args] : [process.execPath, "--no-env-file", MAIN, ...args];
}
