import * as v from "valibot";
import { CODES } from "../domain/verdict.ts";

/** A date and time as `Date.toISOString()` writes it. */
export const timestampSchema = v.pipe(v.string(), v.isoTimestamp());

const integer = v.pipe(v.number(), v.integer());

/** An error or a warning; see `Problem`. */
export const problemSchema = v.object({
  code: told(v.picklist(CODES), "For a program; the README lists them."),
  message: told(v.string(), "For a person: what happened, to what, why, and what to do."),
  device: told(v.nullable(v.string()), "The host's name of the device that it is about."),
});

/** See `Readiness`. */
export const readinessSchema = v.object({ ready: v.boolean(), reasons: list(v.string()) });

/** The body of every answer that is no success. */
export const errorSchema = v.object({ error: v.object({ code: v.string(), message: v.string() }) });

/** What a state of a device in a container may be; see `AttachedDeviceState`. */
export const deviceStateSchema = v.picklist(["home", "moving", "inside", "returning", "stuck"]);

/** See `StatusDevice`. */
export const statusDeviceSchema = v.object({
  host_name: told(v.string(), "Its name at home."),
  name: told(v.string(), "Its name inside."),
  ifindex: told(integer, "Inside; the host's for as long as it has not been seen there."),
  mac: told(v.nullable(v.string()), "Inside; null where it has no link-layer address."),
  mtu: told(integer, "Inside, bytes."),
  addresses: told(list(v.string()), "Inside, as `ip addr` writes them."),
  state: deviceStateSchema,
});

/** See `StatusContainer`. */
export const containerSchema = v.object({
  id: v.string(),
  pid: told(v.nullable(integer), "null where the event named a path."),
  netns: told(v.nullable(v.string()), "The path that the event named; null where it named a pid."),
  mapping: v.string(),
  state: v.picklist(["pending", "attaching", "attached", "returning", "stuck"]),
  since: timestampSchema,
  devices: list(statusDeviceSchema),
  warnings: list(problemSchema),
  error: v.nullable(problemSchema),
});

/** See `StatusHomecoming`. */
export const homecomingSchema = v.object({
  at: timestampSchema,
  container: told(v.string(), "Its id; of those that shared the device all, separated by commas."),
  mapping: v.string(),
  device: told(v.string(), "The host's name."),
  outcome: told(v.picklist(["home", "gone"]), "`gone`: it is no more."),
  warnings: told(list(problemSchema), "What could not be put back, or why it is no more."),
});

/** See `Status`. */
export const statusSchema = v.object({
  version: v.string(),
  state: told(
    v.picklist(["ready", "degraded", "stopping"]),
    "`degraded`: `/readyz` has reasons; `stopping`: events are no longer taken.",
  ),
  config: v.object({
    file: told(v.string(), "The main file."),
    loaded_at: told(timestampSchema, "When this config was taken over."),
    spool: v.string(),
    results: v.string(),
    state: v.string(),
    mappings: told(list(v.string()), "Names, in the order in which they are tried."),
  }),
  containers: told(
    list(containerSchema),
    "Oldest first, then those that wait. One leaves the list when its devices are home.",
  ),
  counters: told(v.record(v.string(), integer), "Events answered since the daemon's start, by outcome."),
  history: told(
    list(homecomingSchema),
    "The latest 100 devices that came home or are no more since the daemon's start, newest last.",
  ),
});

/** See `Guard`. */
export const guardSchema = v.object({
  rule: v.picklist(["loopback", "master", "immutable", "default-route", "built-on"]),
  liftable: told(v.boolean(), "Whether `force = true` lifts it."),
  reason: told(v.string(), 'Completes "the device …".'),
});

/** See `ListedDevice`. */
export const listedDeviceSchema = v.object({
  name: v.string(),
  ifindex: told(integer, "At home; while it is away the one that it had there."),
  altnames: list(v.string()),
  mac: v.nullable(v.string()),
  permanent_mac: v.nullable(v.string()),
  pci: v.nullable(v.string()),
  driver: v.nullable(v.string()),
  pf: told(v.nullable(v.string()), "The PCI address of the physical function that it is a virtual one of."),
  kind: v.nullable(v.string()),
  state: told(v.string(), "As `ip link` tells it; `away`: it is in a container."),
  holder: told(
    v.nullable(v.object({ containers: list(v.string()), mapping: v.string(), name: v.string() })),
    "Who has it, and its name inside; null: nobody.",
  ),
  guards: told(list(guardSchema), "What keeps it from being given away."),
});

/** An array as answers have it: nobody changes it. */
export function list<T extends v.GenericSchema>(item: T) {
  return v.pipe(v.array(item), v.readonly());
}

/** A schema with what is to be said of it. */
function told<T extends v.GenericSchema>(schema: T, description: string) {
  return v.pipe(schema, v.description(description));
}
