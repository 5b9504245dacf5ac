import { checked, libc } from "./libc.ts";
import { allocate, cString, type Memory } from "./memory.ts";

const POINTER = 8;

/**
 * Replaces this process by another program (execve(2)), under the same pid. Returns only by throwing a
 * SyscallError. fds without O_CLOEXEC stay open in it.
 */
export function execute(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  const pairs = Object.entries(environment).filter(([, value]) => value !== undefined);
  const argv = pointers(args.map(cString));
  const envp = pointers(pairs.map(([key, value]) => cString(`${key}=${value}`)));
  checked("execve", libc.execve(cString(path).bytes, argv.table.bytes, envp.table.bytes), path);
  throw new Error("execve returned without an error");
}

/** A NULL-terminated `char *[]`. The strings come along: an address keeps nothing alive. */
function pointers(strings: readonly Memory[]): {
  readonly table: Memory;
  readonly strings: readonly Memory[];
} {
  const table = allocate((strings.length + 1) * POINTER);
  for (const [at, string] of strings.entries()) {
    table.view.setBigUint64(at * POINTER, BigInt(string.address), true);
  }
  return { table, strings };
}
