import { SyscallError } from "../../../ffi/errno.ts";

/** The SyscallError that `call` ends with; anything else that comes of it is an error of the test. */
export function failureOf(call: () => unknown): SyscallError {
  try {
    call();
  } catch (error) {
    if (error instanceof SyscallError) return error;
    throw error;
  }
  throw new Error("the call did not fail");
}
