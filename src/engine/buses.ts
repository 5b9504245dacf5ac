import { readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parsePci } from "../domain/pci.ts";
import type { System } from "./system.ts";

/**
 * What the machine's buses tell in sysfs. Unlike /sys/class/net, which shows the namespace of whoever mounted
 * it, /sys/bus shows the same to all.
 *
 * @param folder where the buses are: /sys/bus
 */
export function busesIn(folder: string): Pick<System, "virtioParent" | "physicalFunction"> {
  /** Where a link of sysfs leads; null where there is none. */
  const target = (path: string): string | null => {
    try {
      return readlinkSync(join(folder, path));
    } catch {
      // No such bus, or the device has gone.
      return null;
    }
  };
  return {
    virtioParent(name) {
      // ../../../devices/pci0000:00/0000:00:03.0/virtio0; on virtio-mmio the parent is no PCI device.
      const path = target(`virtio/devices/${name}`);
      return path === null ? null : parsePci(basename(dirname(path)));
    },
    physicalFunction(address) {
      const path = target(`pci/devices/${address}/physfn`);
      return path === null ? null : parsePci(basename(path));
    },
  };
}
