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
  return picks.map(({ moved, ...found }) => {
    const passedOver = [...found.passedOver, ...heldFor(attachments, found.request)];
    const isOurs = passedOver.length > 0 || ours.includes(moved?.ifindex ?? null);
    const pick = { ...found, passedOver, ...(moved === undefined || isOurs ? {} : { moved }) };
    const namesake = namesakeOf(pick, others);
    return namesake === undefined ? pick : { ...pick, namesake };
  });
}

/**
 * The name of a device that is inside, where a bundle asks for one that is nowhere at home and is to have that name:
 * runtimes that know of `linux.netDevices` have moved it before they call their hooks.
 */
function namesakeOf(
  { request, chosen, passedOver, moved }: Pick,
  others: readonly Device[],
): string | undefined {
  const { netDevice, name } = request;
  if (netDevice === undefined || moved !== undefined || chosen.length + passedOver.length > 0)
    return undefined;
  return others.find((device) => fitsName(name ?? netDevice, device.name))?.name;
}
