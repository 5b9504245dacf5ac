import type { Device, Hardware, PhysicalFunction } from "../domain/device.ts";
import type { Selector } from "../domain/mapping.ts";
import { asksForHardware, isPf, selects } from "../domain/match.ts";
import { parsePci } from "../domain/pci.ts";
import type { NamespaceSocket, System } from "./system.ts";

/** Asks bus and driver of devices at home. Each question costs a system call or two. */
export interface HardwareReader {
  pci(device: Device): string | null;
  /** The PF of the PCI device at an address. */
  pf(pci: string): PhysicalFunction | null;
  driver(device: Device): string | null;
  /** Whether udev is done with it, where it has anything to do with it. */
  isSetUp(device: Device): boolean;
  all(device: Device): Hardware;
}

/** @param devices the devices at home, and those that are away from there: a PF may be in a container */
export function createHardwareReader(
  system: System,
  home: NamespaceSocket,
  devices: () => Iterable<Device>,
): HardwareReader {
  const reader: HardwareReader = {
    pci({ parentBus, parentDev }) {
      if (parentDev === null) return null;
      if (parentBus === "pci") return parsePci(parentDev);
      return parentBus === "virtio" ? system.virtioParent(parentDev) : null;
    },
    pf(pci) {
      const address = system.physicalFunction(pci);
      if (address === null) return null;
      const own = Array.from(devices()).filter((device) => reader.pci(device) === address);
      return { pci: address, names: own.flatMap(({ name, altnames }) => [name, ...altnames]) };
    },
    driver: ({ name }) => home.driver(name),
    isSetUp: ({ ifindex }) => system.isSetUp(ifindex),
    all(device) {
      const pci = reader.pci(device);
      return { pci, driver: reader.driver(device), pf: pci === null ? null : reader.pf(pci) };
    },
  };
  return reader;
}

/** Those of `devices` that are virtual functions of the card that `device` is. */
export function functionsOf(device: Device, devices: Iterable<Device>, hardware: HardwareReader): Device[] {
  const card = device.parentBus === "pci" ? hardware.pci(device) : null;
  if (card === null) return [];
  return Array.from(devices).filter((other) => {
    const pci = other.parentBus === "pci" ? hardware.pci(other) : null;
    return pci !== null && hardware.pf(pci)?.pci === card;
  });
}

/**
 * The devices that a selector may ask for. Where it goes by bus or driver, what they tell is put beside each
 * device that meets all the rest, and those that they speak against are left out.
 */
export function candidates(
  { devices, hardware }: { readonly devices: ReadonlyMap<number, Device>; readonly hardware: HardwareReader },
  selector: Selector,
): Iterable<Device> {
  if (!asksForHardware(selector)) return devices.values();
  const rest = { ...selector, pci: null, driver: null, pf: null };
  return Array.from(devices.values()).flatMap((device) => {
    if (!selects(rest, device)) return [];
    // The dearest question last: by a PCI address alone, one device of thousands has its driver asked.
    const pci = hardware.pci(device);
    if (selector.pci !== null && selector.pci !== pci) return [];
    const pf = pci === null ? null : hardware.pf(pci);
    if (selector.pf !== null && !isPf(selector.pf, pf)) return [];
    return [{ ...device, hardware: { pci, driver: hardware.driver(device), pf } }];
  });
}
