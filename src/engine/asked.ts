import type { ContainerEvent } from "../domain/event.ts";
import type { Mapping } from "../domain/mapping.ts";
import { type BundleRead, type NetDevice, notAllowed, withNetDevices } from "../domain/net-devices.ts";
import type { Problem } from "../domain/verdict.ts";

/** Where it is read what bundles ask for. */
export interface Bundles {
  /** Patterns for the devices that a bundle may ask for; null: bundles are not read. Asked anew for each event. */
  readonly allow: () => readonly string[] | null;
  /** At once, and without ever waiting: events keep their order. */
  readonly read: (bundle: string) => BundleRead;
}

/** What a container asks for. */
export interface Asked {
  /** By its mapping, by its bundle, or by both; null: nothing. */
  readonly mapping: Mapping | null;
  /** What of it the bundle asks for. */
  readonly netDevices: readonly NetDevice[];
  /** Why the bundle does not get what it asks for; null: it does. */
  readonly problem: Problem | null;
}

/**
 * What a container asks for by its mapping and by its bundle.
 *
 * @param mapping the one that applies to it
 */
export function askedFor(mapping: Mapping | null, event: ContainerEvent, bundles: Bundles | null): Asked {
  const allow = bundles?.allow() ?? null;
  const bundle = event.bundle ?? "";
  if (bundles === null || allow === null || bundle === "") return { mapping, netDevices: [], problem: null };
  const read = bundles.read(bundle);
  if (!read.ok) return { mapping, netDevices: [], problem: read.problem };
  const { netDevices } = read;
  const problem = notAllowed(bundle, netDevices, allow);
  return { mapping: withNetDevices(mapping, netDevices), netDevices, problem };
}
