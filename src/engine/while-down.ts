import { type LinkChange, NO_CHANGE, type Step } from "../domain/step.ts";
import type { Connection } from "../netlink/connection.ts";
import { changeLink } from "../netlink/link.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { readDevice } from "./reader.ts";

/**
 * Carries out a change that was refused because the device is up (EBUSY) with the device down meanwhile: before
 * Linux 6.2 none is renamed while it is up (dev_change_name()), and some drivers take another MAC only then
 * (eth_prepare_mac_addr_change()). What a device loses by going down, IPv6 addresses and routes, is missing after it.
 *
 * @param refused what came of the step before; anything else than such a refusal is left as it is
 * @returns why it was refused all the same, or null
 */
export function changeWhileDown(
  connection: Connection,
  ifindex: number,
  step: Step,
  refused: NetlinkError | null,
  about: string,
): NetlinkError | null {
  if (refused?.code !== "EBUSY" || step.type !== "change") return refused;
  const { change } = step;
  if (!readDevice(connection, ifindex)?.up) return refused;
  const apply = (part: LinkChange) => attempt(connection, ifindex, part, about);
  const error = apply({ ...NO_CHANGE, up: false }) ?? apply({ ...change, up: change.up ?? true });
  if (error !== null) apply({ ...NO_CHANGE, up: true });
  return error;
}

function attempt(
  connection: Connection,
  ifindex: number,
  change: LinkChange,
  about: string,
): NetlinkError | null {
  try {
    connection.request(changeLink(ifindex, change, null, about));
    return null;
  } catch (error) {
    if (error instanceof NetlinkError) return error;
    throw error;
  }
}
