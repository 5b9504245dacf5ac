import { NetlinkError } from "../netlink/netlink-error.ts";

/** What `ask` gives; null where the device that it asks about is not there, or is no more. */
export function unlessGone<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return null;
    throw error;
  }
}
