import type { MovedDevice } from "../domain/attach-plan.ts";
import { identityOf, mayBe } from "../domain/device.ts";
import { relabelled } from "../domain/inside.ts";
import { fitsName } from "../domain/interface-name.ts";
import type { DeviceRequest } from "../domain/mapping.ts";
import { withoutKernelRoutes } from "../domain/routes.ts";
import { NO_SYSCTLS } from "../domain/sysctls.ts";
import { EVERYTHING } from "./aspects.ts";
import type { Left } from "./device-table.ts";
import { type Ground, readSnapshot } from "./reader.ts";

/**
 * A device that a bundle asks for and that is in the container's namespace already: a runtime of OCI 1.3 moves it
 * before it calls its hooks, and may not bring it home (runtime-spec, config-linux.md, "Network Devices").
 *
 * Nobody has seen it whole at home. What the kernel told of it when it left, and the addresses, which the spec has the
 * runtime keep, are what it comes home with.
 *
 * @param left the last device of that name that has left home
 * @param now CLOCK_BOOTTIME, milliseconds
 * @returns null: it is not there, or nothing proves that it is the one
 */
export function movedAlready(
  { netDevice, name }: DeviceRequest,
  left: Left | null,
  inside: Ground,
  now: number,
): MovedDevice | null {
  if (netDevice === undefined || left === null) return null;
  const there = readSnapshot(inside, left.ifindex, now, EVERYTHING);
  if (there === null || !fitsName(name ?? netDevice, there.device.name)) return null;
  if (!mayBe(identityOf(left.device, null), there.device, true)) return null;
  const device = { ...left.device, up: there.device.up, master: null, slaveKind: null };
  const addresses = there.addresses.map((address) => relabelled(address, there.device.name, device.name));
  const nothingElse = {
    routes: [],
    port: null,
    neighbours: [],
    qdisc: null,
    ingress: null,
    sysctls: NO_SYSCTLS,
  };
  return {
    snapshot: { ...nothingElse, device, addresses, takenAt: now },
    wanted: withoutKernelRoutes(there),
    ifindex: left.ifindex,
  };
}
