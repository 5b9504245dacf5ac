import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

const names: ReadonlyMap<number, string> = new Map(
  // EWOULDBLOCK and EOPNOTSUPP share their numbers with the names that strerrorname_np(3) prefers.
  Object.entries(constants.errno)
    .filter(([name]) => name !== "EWOULDBLOCK" && name !== "ENOTSUP")
    .map(([name, number]) => [number, name]),
);

/** The symbolic name of an errno, "EINVAL"; "errno 4711" for one without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** What an errno means in words; its name where no words are known. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? errnoName(errno);
}

/** A libc call failed: which, on what, with which errno. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly call: string;
  readonly errno: number;
  /** "ENOBUFS", … */
  readonly code: string;

  constructor(call: string, errno: number, subject?: string) {
    const what = subject === undefined ? call : `${call} ${subject}`;
    super(`${what}: ${errnoName(errno)}: ${errnoText(errno)}`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}
