import {
  type Address,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_OPTIMISTIC,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFA_F_TEMPORARY,
  IFA_F_TENTATIVE,
  isSameKey,
  RT_SCOPE_LINK,
} from "./address.ts";
import type { Device } from "./device.ts";
import { formatIp, parseIp } from "./ip.ts";
import { macBytes } from "./mac.ts";

/** IFAPROT_KERNEL_LL (linux/if_addr.h, since 5.18): the kernel made this link-local address itself. */
const IFAPROT_KERNEL_LL = 3;
/** What the kernel works out by itself: order, lifetimes and duplicate address detection lead to these. */
const VOLATILE_FLAGS =
  IFA_F_SECONDARY | IFA_F_OPTIMISTIC | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_PERMANENT;

/** The flags of an address that were chosen by whoever added it. */
export function chosenFlags(address: Address): number {
  return address.flags & ~VOLATILE_FLAGS;
}

/** Whether the kernel made `address` by itself and will again, when the device is up. */
export function isKernelMade(address: Address, device: Device): boolean {
  if (address.family !== "inet6") return false;
  // Privacy addresses (RFC 8981) are made from their public one and cannot be added as what they are.
  if ((address.flags & IFA_F_TEMPORARY) !== 0) return true;
  if (address.scope !== RT_SCOPE_LINK) return false;
  if (address.protocol !== null) return address.protocol === IFAPROT_KERNEL_LL;
  return address.local === eui64LinkLocal(device.mac);
}

/** Same in all that was chosen for it; lifetimes run, and are compared by being there or not. */
export function isAsChosen(a: Address, b: Address): boolean {
  return (
    isSameKey(a, b) &&
    a.peer === b.peer &&
    a.prefixLength === b.prefixLength &&
    a.broadcast === b.broadcast &&
    a.label === b.label &&
    a.scope === b.scope &&
    a.metric === b.metric &&
    a.protocol === b.protocol &&
    chosenFlags(a) === chosenFlags(b) &&
    (a.validLifetime === null) === (b.validLifetime === null) &&
    (a.preferredLifetime === null) === (b.preferredLifetime === null)
  );
}

/** Whether `address` is known to be nobody else's: duplicate address detection is over, and well over. */
export function isProven(address: Address): boolean {
  return (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0;
}

/** `address` with its lifetimes `seconds` shorter; null where it would have expired by then. */
export function aged(address: Address, seconds: number): Address | null {
  const { validLifetime, preferredLifetime } = address;
  if (validLifetime === null && preferredLifetime === null) return address;
  if (validLifetime !== null && validLifetime <= seconds) return null;
  return {
    ...address,
    validLifetime: validLifetime === null ? null : Math.ceil(validLifetime - seconds),
    preferredLifetime:
      preferredLifetime === null ? null : Math.max(0, Math.ceil(preferredLifetime - seconds)),
  };
}

/** The link-local address that the kernel forms from a 48-bit MAC (RFC 4291, appendix A). */
function eui64LinkLocal(mac: string | null): string | null {
  const bytes = mac === null ? [] : Array.from(macBytes(mac));
  if (bytes.length !== 6) return null;
  const [first = 0, ...rest] = bytes;
  const hex = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  const groups = [0, 2, 4, 6].map((at) => `${hex[at]}${hex[at + 1]}`);
  return canonical(`fe80::${groups.join(":")}`);
}

function canonical(text: string): string | null {
  const bytes = parseIp(text);
  return bytes === null ? null : formatIp(bytes);
}
