import type { ContainerEvent, ContainerStatus, ReleaseEvent, Target } from "../../../src/domain/event.ts";
import { ANY_DEVICE, type DeviceRequest, type Mapping, type Selector } from "../../../src/domain/mapping.ts";
import type { Machine } from "../../sim/model/daemon.ts";
import { wallTime } from "../../sim/model/world.ts";

/** An event that was written just now. */
export function containerEvent(
  machine: Machine,
  id: string,
  status: ContainerStatus,
  target: Target | null,
  name = `${id}-${status}`,
): ContainerEvent {
  const writtenAt = wallTime(machine.world);
  return { type: "container", name, id, status, target, bundle: "/b", annotations: {}, writtenAt };
}

/** What a runtime drops when it has made a container. */
export function attachEvent(
  machine: Machine,
  id: string,
  container: { readonly pid: number },
  name?: string,
): ContainerEvent {
  return containerEvent(machine, id, "creating", { by: "pid", pid: container.pid }, name);
}

/** What a runtime drops when a container has ended. */
export function stoppedEvent(machine: Machine, id: string, pid?: number): ContainerEvent {
  return containerEvent(machine, id, "stopped", pid === undefined ? null : { by: "pid", pid });
}

/** What `netdevd release` drops. */
export function releaseEvent(id: string | null): ReleaseEvent {
  return { type: "release", name: "release", id };
}

/** One device of a mapping: `{ match: { name: "d0" }, name: "eth1" }`. */
export type Wish = Partial<Omit<DeviceRequest, "match">> & { readonly match: Partial<Selector> };

/** A mapping named `for-ID` for containers whose id the glob `id` holds. */
export function mappingFor(id: string, ...wishes: readonly Wish[]): Mapping {
  return {
    name: `for-${id}`,
    container: { id, annotations: {}, bundle: null },
    devices: wishes.map(requestFor),
    required: true,
    wait: 0,
    onExit: "return",
  };
}

function requestFor(wish: Wish): DeviceRequest {
  const match = { ...ANY_DEVICE, ...wish.match };
  const asItIs = { name: null, addresses: null, routes: [], sysctls: {}, mtu: null, mac: null } as const;
  return { count: 1, ...asItIs, dad: "keep", up: true, force: false, ...wish, match };
}
