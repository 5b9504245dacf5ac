import type { Device } from "../domain/device.ts";
import { type Above, endsWithLower } from "../domain/stack.ts";
import type { Guards } from "./guards.ts";
import { functionsOf, type HardwareReader } from "./hardware.ts";

/** What is asked about the host for {@link lossesOf}. */
interface Asked {
  readonly devices: Iterable<Device>;
  readonly hardware: HardwareReader;
  readonly guards: Guards;
}

/** What the host is without while a device is in a container, each told to a person. */
export function lossesOf(device: Device, { devices, hardware, guards }: Asked): string[] {
  const losses = guards
    .stack()
    .above(device.ifindex)
    .map((above) => lossAbove(above, device));
  for (const { name } of functionsOf(device, devices, hardware)) {
    losses.push(
      `${name}, which is a virtual function of it, has the MAC, VLAN and link that the container says`,
    );
  }
  const route = guards.all(device).find(({ rule }) => rule === "default-route");
  if (route !== undefined) losses.push(`the host loses a default route: ${device.name} ${route.reason}`);
  return losses;
}

function lossAbove({ device, rest }: Above, lower: Device): string {
  const { name, kind } = device;
  if (rest === "master") {
    // A bond keeps the MAC of its first port, as the kernel warns of (__bond_release_one()).
    const isItsMac = (kind === "bond" || kind === "team") && device.mac === lower.permanentMac;
    const both = `, and goes on under its MAC while it has others: \`mac\` gives it another one inside`;
    return `${name} has one port less${isItsMac ? both : ""}`;
  }
  if (rest === "routed") return `${name} reaches nobody by it`;
  if (endsWithLower(device)) return `${name} is destroyed: a ${kind} ends when its device leaves`;
  return `${name}, which is built on it, works only as the container lets it`;
}
