import type { Device, PhysicalFunction } from "./device.ts";
import type { ContainerEvent } from "./event.ts";
import { globMatches } from "./glob.ts";
import { naturalOrder } from "./interface-name.ts";
import type { ContainerCondition, Selector } from "./mapping.ts";

/** The first condition that does not hold, told to a person; null where all hold. */
export function whyNotFor(event: ContainerEvent, condition: ContainerCondition): string | null {
  if (condition.id !== null && !globMatches(condition.id, event.id)) {
    return `id "${event.id}" does not match "${condition.id}"`;
  }
  if (condition.bundle !== null && !globMatches(condition.bundle, event.bundle ?? "")) {
    const bundle = event.bundle === null ? "the event names no bundle" : `bundle "${event.bundle}"`;
    return `${bundle}, and "${condition.bundle}" is asked for`;
  }
  for (const [key, pattern] of Object.entries(condition.annotations)) {
    // Not `annotations[key]` alone: "constructor" is a key that any object seems to have.
    const value = Object.hasOwn(event.annotations, key) ? event.annotations[key] : undefined;
    if (value === undefined) return `the event has no annotation "${key}"`;
    if (!globMatches(pattern, value))
      return `annotation "${key}" is "${value}", and "${pattern}" is asked for`;
  }
  return null;
}

/** Why the condition holds for an event for which {@link whyNotFor} knows nothing against it, told to a person. */
export function whyFor(event: ContainerEvent, { id, bundle, annotations }: ContainerCondition): string {
  const holds = [
    ...(id === null ? [] : [`id "${event.id}" matches "${id}"`]),
    ...(bundle === null ? [] : [`bundle "${event.bundle}" matches "${bundle}"`]),
    ...Object.entries(annotations).map(
      ([key, pattern]) => `annotation "${key}" is "${event.annotations[key]}" and matches "${pattern}"`,
    ),
  ];
  return holds.join(", ") || "it is for every container";
}

/**
 * Whether a device is one that the selector asks for: every condition given holds. Of a device whose driver
 * and bus nobody has asked, no condition on them holds.
 */
export function selects(selector: Selector, device: Device): boolean {
  const { name, altname, mac, permanentMac, pci, driver, kind, pf } = selector;
  if (name !== null && !globMatches(name, device.name)) return false;
  if (altname !== null && !device.altnames.some((own) => globMatches(altname, own))) return false;
  if (mac !== null && mac !== device.mac) return false;
  if (permanentMac !== null && permanentMac !== permanentMacOf(device)) return false;
  if (kind !== null && !globMatches(kind, device.kind ?? "")) return false;
  if (pci !== null && pci !== (device.hardware?.pci ?? null)) return false;
  if (pf !== null && !isPf(pf, device.hardware?.pf ?? null)) return false;
  return driver === null || globMatches(driver, device.hardware?.driver ?? "");
}

/** What `permanent_mac` is compared with: where the driver tells none, or one like the current, the current MAC. */
export function permanentMacOf({ permanentMac, mac }: Device): string | null {
  return permanentMac ?? mac;
}

/** Whether `pf` of a selector asks for a VF of this PF. */
export function isPf(asked: string, pf: PhysicalFunction | null): boolean {
  if (pf === null) return false;
  // No device can have a name with ":", and no PCI address is without.
  return asked.includes(":") ? asked === pf.pci : pf.names.some((name) => globMatches(asked, name));
}

/** Whether a selector asks for what a driver or a bus has to be asked for. */
export function asksForHardware({ pci, driver, pf }: Selector): boolean {
  return pci !== null || driver !== null || pf !== null;
}

/** The devices that the selector asks for, in natural order of name. */
export function selected(selector: Selector, devices: Iterable<Device>): Device[] {
  return Array.from(devices)
    .filter((device) => selects(selector, device))
    .sort((a, b) => naturalOrder(a.name, b.name));
}

/** A selector as the config spells it, for messages: `name = "ens4", kind = "veth"`. */
export function selectorText(selector: Selector): string {
  const { name, altname, mac, permanentMac, pci, driver, kind, pf } = selector;
  return Object.entries({ name, altname, mac, permanent_mac: permanentMac, pci, driver, kind, pf })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} = "${value}"`)
    .join(", ");
}
