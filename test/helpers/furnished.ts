import { expect } from "bun:test";
import type { ContainerOptions } from "./container.ts";
import type { DeviceState } from "./device-state.ts";
import { furnish, type Kind, makeDevice } from "./devices.ts";
import type { Lab } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import type { Process } from "./process.ts";

/** Makes a device of each kind, d0, d1, …, with all that is to come home with it; gives what there is to see then. */
export async function furnished(
  host: Namespace,
  ...kinds: readonly Kind[]
): Promise<Record<string, DeviceState>> {
  await host.ip(...kinds.flatMap((kind, at) => [...makeDevice(kind, `d${at}`), ...furnish(`d${at}`)]));
  return await host.devices();
}

/** A container that has got its devices. */
export async function attachedContainer(lab: Lab, id: string, options?: ContainerOptions): Promise<Process> {
  const container = await lab.container(options);
  expect((await lab.attach(id, container)).outcome).toBe("attached");
  return container;
}
