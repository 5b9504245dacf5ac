import { join } from "node:path";

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

/** The command line of `netdevd ARGS`, kept from reading a `.env` of the folder that it is started in. */
export function netdevd(...args: readonly string[]): string[] {
  return [process.execPath, "--no-env-file", MAIN, ...args];
}
