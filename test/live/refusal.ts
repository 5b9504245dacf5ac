import { NetlinkError } from "../../src/netlink/netlink-error.ts";

/** The code and the words that the kernel refuses `request` with. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof NetlinkError) return `${error.code}: ${error.kernelMessage}`;
    throw error;
  }
  return "done";
}
