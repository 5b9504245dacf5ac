import type { Address } from "./address.ts";
import type { Device } from "./device.ts";

/**
 * One device with everything that hangs on it, as found in one namespace at one moment.
 *
 * It is journalled before anything is touched, and it is what the device is put back to. It will grow
 * (routes, neighbours, sysctls, bridge port settings): every member added here is one more thing that
 * {@link plan} can give back, and nothing else has to change its shape.
 */
export interface Snapshot {
  readonly device: Device;
  readonly addresses: readonly Address[];
  /** CLOCK_BOOTTIME, milliseconds: address lifetimes are counted from here. */
  readonly takenAt: number;
}
