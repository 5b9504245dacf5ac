import { type Address, addressText, IFA_F_DADFAILED, IFA_F_TENTATIVE } from "../domain/address.ts";
import type { AttachedDevice } from "../domain/attachment.ts";
import type { Device } from "../domain/device.ts";
import { chosenFlags, isProven } from "../domain/restorable.ts";
import type { Step } from "../domain/step.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";
import { wantedOf } from "./whereabouts.ts";

/** Duplicate address detection takes one to two seconds (RFC 4862, 5.4: a random delay and one probe). */
const DAD_LIMIT_MS = 4000;
const LOOK_AGAIN_MS = 50;
/** A device that has just been brought up may take this long to have its carrier. */
const CARRIER_GRACE_MS = 1000;

/** What is to be told of the addresses, and what went wrong with them. */
export interface Settled {
  readonly warning: Problem | null;
  readonly failure: Problem | null;
}

const ALL_WELL: Settled = { warning: null, failure: null };

/**
 * Waits until duplicate address detection has come to an end on the addresses of one device that it is
 * running on. Without a carrier it never does: such an address is made usable unproven, and that is told.
 */
export async function settled(context: Context, key: number, at: number): Promise<Settled> {
  const attachment = context.registry.get(key);
  const device = attachment?.devices[at];
  if (!attachment || !device?.settle || device.wanted.addresses.every(isProven)) return ALL_WELL;
  const { name } = device.snapshot.device;
  for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
    const found = await context.kernel.locate(attachment.cookie, wantedOf(device));
    if (found === null || found.place !== "inside") return ALL_WELL;
    const open = found.snapshot.addresses.filter(
      (address) => isOurs(address, device) && isTentative(address),
    );
    if (open.length === 0) return ALL_WELL;
    const duplicate = open.find((address) => (address.flags & IFA_F_DADFAILED) !== 0);
    if (duplicate !== undefined) {
      const message = `${addressText(duplicate)} of ${name} is in use by another host on its link, and stays unusable`;
      return { ...ALL_WELL, warning: { code: "not-as-wanted", message, device: name } };
    }
    if (waited >= (hasCarrier(found.snapshot.device) ? DAD_LIMIT_MS : CARRIER_GRACE_MS)) {
      const { cookie } = attachment;
      const { failure } = await context.kernel.apply(cookie, found, wantedOf(device), unproven(open), true);
      if (failure !== null) {
        return { ...ALL_WELL, failure: { code: "step-failed", message: failure.message, device: name } };
      }
      const message = `${open.map(addressText).join(", ")} of ${name} could not be checked for duplicates: ${name} has no carrier`;
      return { ...ALL_WELL, warning: { code: "not-as-wanted", message, device: name } };
    }
    await context.sleep(LOOK_AGAIN_MS);
  }
}

function hasCarrier(device: Device): boolean {
  return device.up && !["down", "lowerlayerdown", "notpresent"].includes(device.operstate);
}

function unproven(addresses: readonly Address[]): Step[] {
  return addresses.flatMap((address): Step[] => [
    { type: "delete-address", address },
    { type: "add-address", address: { ...address, flags: chosenFlags(address) }, proven: true },
  ]);
}

function isTentative(address: Address): boolean {
  return (address.flags & IFA_F_TENTATIVE) !== 0;
}

function isOurs(address: Address, device: AttachedDevice): boolean {
  return device.wanted.addresses.some(({ local }) => local === address.local);
}
