import { type Address, IFA_F_DEPRECATED, IFA_F_PERMANENT } from "../../../src/domain/address.ts";
import type { World } from "./world.ts";

/** An address of a link; its lifetimes are kept as the moments at which they end. */
export interface HeldAddress {
  readonly local: string;
  peer: string | null;
  readonly prefixLength: number;
  readonly broadcast: string | null;
  label: string | null;
  readonly scope: number;
  flags: number;
  metric: number | null;
  protocol: number | null;
  /** CLOCK_BOOTTIME, milliseconds; null: for ever. */
  preferredUntil: number | null;
  validUntil: number | null;
}

/** What RTM_NEWADDR says of an address, as a link holds it. */
export function heldOf(world: World, address: Address): HeldAddress {
  const { local, peer, prefixLength, broadcast, label, scope, metric, protocol } = address;
  const { preferredLifetime, validLifetime } = address;
  const until = (seconds: number | null) => (seconds === null ? null : world.now + seconds * 1000);
  const permanent = validLifetime === null ? IFA_F_PERMANENT : 0;
  const deprecated = preferredLifetime === 0 ? IFA_F_DEPRECATED : 0;
  const flags = (address.flags & ~(IFA_F_PERMANENT | IFA_F_DEPRECATED)) | permanent | deprecated;
  return {
    local,
    peer,
    prefixLength,
    broadcast,
    label,
    scope,
    metric,
    protocol,
    flags,
    preferredUntil: until(preferredLifetime),
    validUntil: until(validLifetime),
  };
}

/** What the kernel tells of addresses now; those whose time is over go. */
export function tellOf(world: World, family: Address["family"], list: HeldAddress[]): Address[] {
  const kept = list.filter(({ validUntil }) => validUntil === null || validUntil > world.now);
  list.splice(0, list.length, ...kept);
  return list.map((held) => {
    const { local, peer, prefixLength, broadcast, label, scope, metric, protocol } = held;
    const { preferredUntil, validUntil } = held;
    if (preferredUntil !== null && preferredUntil <= world.now) held.flags |= IFA_F_DEPRECATED;
    const left = (until: number | null) =>
      until === null ? null : Math.max(0, Math.floor((until - world.now) / 1000));
    return {
      family,
      local,
      peer,
      prefixLength,
      broadcast,
      label,
      scope,
      metric,
      protocol,
      flags: held.flags,
      preferredLifetime: left(preferredUntil),
      validLifetime: left(validUntil),
    };
  });
}
