import type { Pick } from "../domain/attach-plan.ts";
import type { Attachment } from "../domain/attachment.ts";
import type { Device } from "../domain/device.ts";
import { fitsName } from "../domain/interface-name.ts";
import { heldFor } from "./held.ts";
import type { Surveyed } from "./kernel.ts";

/**
 * What a survey has found, with what the Attachments tell of it: which devices other containers have, and which are
 * inside though netdevd has not brought them there.
 *
 * @param cookie of the container's namespace; null: it could not be looked at
 */
export function completed(
  { picks, inside }: Surveyed,
  attachments: readonly Attachment[],
  cookie: string | null,
): Pick[] {
  const ours = attachments
    .filter((attachment) => attachment.cookie === cookie)
    .flatMap(({ devices }) => devices.map(({ insideIfindex }) => insideIfindex));
  const others = inside.filter(({ ifindex }) => !ours.includes(ifindex));
  return picks.map((found) => {
    const pick = { ...found, passedOver: [...found.passedOver, ...heldFor(attachments, found.request)] };
    return isInside(pick, others) ? { ...pick, isInside: true } : pick;
  });
}

/**
 * Whether a device that a bundle asks for is nowhere at home, and one of the name that it is to have is inside: runtimes
 * that know of `linux.netDevices` have moved it before they call their hooks.
 */
function isInside({ request, chosen, passedOver }: Pick, others: readonly Device[]): boolean {
  const { netDevice, name } = request;
  if (netDevice === undefined || chosen.length + passedOver.length > 0) return false;
  return others.some((device) => fitsName(name ?? netDevice, device.name));
}
