import type { Device } from "../domain/device.ts";
import type { Guard } from "../domain/guard.ts";
import type { Connection } from "../netlink/connection.ts";
import { guardsOf } from "./guards.ts";
import type { HardwareReader } from "./hardware.ts";

/** A device at home as selectors see it, and what guards it. */
export interface Inventoried {
  readonly device: Device;
  readonly guards: readonly Guard[];
}

/** What an inventory needs of the host. */
export interface Stock {
  readonly connection: Connection;
  readonly devices: ReadonlyMap<number, Device>;
  readonly hardware: HardwareReader;
}

/**
 * All devices at home. Asks driver, bus and routes of each: for a person or a monitor, and not for an event.
 *
 * @param away devices of home that are in containers: what they are built on carries them all the same
 */
export function inventory(host: Stock, away: readonly Device[]): Inventoried[] {
  const guards = guardsOf(host.connection, host.devices, away);
  return Array.from(host.devices.values(), (device) => ({
    device: { ...device, hardware: host.hardware.all(device) },
    guards: guards.all(device),
  }));
}
