import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import { identityOf } from "../domain/device.ts";
import { aspectsFor } from "./aspects.ts";
import type { Context } from "./context.ts";
import type { Followed } from "./kernel.ts";
import type { Others, Wanted } from "./locate.ts";

/** What is known of a device that is to be found again. */
export function wantedOf(device: AttachedDevice): Wanted {
  return {
    identity: identityOf(device.snapshot.device, device.wanted.device.mac),
    insideIfindex: device.insideIfindex,
    others: { numbers: [], macs: [], coming: [] },
    homeIfindex: device.snapshot.device.ifindex,
    names: [device.snapshot.device.name, device.wanted.device.name],
    aspects: { home: aspectsFor(device.snapshot, "home"), inside: aspectsFor(device.wanted, "inside") },
  };
}

/**
 * As {@link wantedOf}, where others of ours may be, which are known there by their numbers.
 *
 * @param cookie of the namespace that is looked at beside home; null: none
 */
export function wantedIn({ registry }: Context, cookie: string | null, device: AttachedDevice): Wanted {
  const beside = registry
    .all()
    .flatMap((one) => one.devices.filter(({ movedTo }) => (movedTo ?? one.cookie) === cookie));
  return { ...wantedOf(device), others: othersOf(device, beside) };
}

function othersOf(device: AttachedDevice, beside: readonly AttachedDevice[]): Others {
  const away = beside.filter((one) => one.state !== "home" && !isSame(one, device));
  const numbers = away.flatMap(({ insideIfindex }) =>
    insideIfindex === null || insideIfindex === device.insideIfindex ? [] : insideIfindex,
  );
  // A number that is on record with two was freed by the one, and is the other's.
  const unseen = away.filter(
    ({ insideIfindex }) => insideIfindex === null || insideIfindex === device.insideIfindex,
  );
  const macs = unseen.flatMap(({ snapshot, wanted }) => [snapshot.device.mac, wanted.device.mac]);
  const coming = unseen.flatMap(({ state, snapshot, wanted }) =>
    state === "moving" && wanted.device.mac === null
      ? { name: wanted.device.name, homeIfindex: snapshot.device.ifindex }
      : [],
  );
  return { numbers, macs, coming };
}

function isSame(
  { snapshot: { device: one } }: AttachedDevice,
  { snapshot: { device: other } }: AttachedDevice,
) {
  return one.ifindex === other.ifindex && one.name === other.name;
}

/** The namespace that a device was last seen in, home aside; null: that is held no more, and home alone can be looked at. */
export function lastSeenIn(
  { unreachable, heldOn }: Context,
  { key, cookie }: Attachment,
  { movedTo }: AttachedDevice,
): string | null {
  if (movedTo !== null) return heldOn.get(key)?.includes(movedTo) === true ? movedTo : null;
  return unreachable.has(key) ? null : cookie;
}

/** Looks for a device that is not where it was last seen: from there on, and from the container's namespace on. */
export async function trace(
  context: Context,
  attachment: Attachment,
  device: AttachedDevice,
): Promise<Followed | null> {
  const own = lastSeenIn(context, attachment, { ...device, movedTo: null });
  let seen: Followed | null = null;
  for (const start of new Set([lastSeenIn(context, attachment, device), own])) {
    const followed = start === null ? null : await context.kernel.follow(start, wantedOf(device));
    if (followed?.ok === true) return followed;
    seen ??= followed;
  }
  return seen;
}
