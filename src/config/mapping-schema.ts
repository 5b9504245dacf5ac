import * as v from "valibot";
import type { ContainerCondition, Mapping } from "../domain/mapping.ts";
import { NET_DEVICES } from "../domain/net-devices.ts";
import { device } from "./device-schema.ts";
import { devicesInOneSpelling, noHostDeviceTwice, noNameInsideTwice } from "./mapping-rules.ts";
import { netDevices } from "./net-devices-schema.ts";
import { someOf, table, tableOf } from "./table.ts";
import { duration, flag, glob, label } from "./values.ts";

const conditions = {
  id: v.exactOptional(v.pipe(glob, v.metadata({ description: "a pattern for the container's id" }))),
  annotations: v.exactOptional(
    v.pipe(
      // An annotation may be empty, so a pattern for one may be too.
      tableOf(v.string("a text or pattern")),
      v.metadata({ description: "patterns for the container's annotations, by their keys" }),
    ),
  ),
  bundle: v.exactOptional(
    v.pipe(glob, v.metadata({ description: "a pattern for the path of the container's bundle" })),
  ),
};

const container = v.pipe(
  table(conditions, [someOf(Object.keys(conditions))]),
  v.metadata({
    description:
      "which containers: `id`, `bundle`, `annotations = { key = pattern }`; all that are given must hold. The first mapping that does applies",
    anyOf: [
      { required: ["id"] },
      { required: ["annotations"], properties: { annotations: { minProperties: 1 } } },
      { required: ["bundle"] },
    ],
  }),
  v.transform(
    ({ id, annotations, bundle }): ContainerCondition => ({
      id: id ?? null,
      annotations: annotations ?? {},
      bundle: bundle ?? null,
    }),
  ),
);

const required = v.pipe(
  flag,
  v.metadata({
    description: "`false`: a device that is not to be had is a warning, and the rest goes on",
  }),
);

const wait = v.pipe(
  duration,
  v.metadata({
    description:
      'how long after its event a container waits for a device that is not there yet, or that another container has (`"30s"`, `"1m30s"`). Where udev is at work, a device has come when udev is done with it. A runtime\'s hook has to have more patience than that',
  }),
);

const onExit = v.pipe(
  v.picklist(["return", "leave"], '"return" or "leave"'),
  v.metadata({ description: '`"leave"`: the device stays where the container left it' }),
);

const devices = v.pipe(
  v.array(device, "an array of tables ([[mapping.device]])"),
  v.metadata({
    description: "what the container gets; or `mapping.netDevices`, as the OCI documents have it",
    minItems: 1,
  }),
);

/** One `[[mapping]]`. */
export const mapping = v.pipe(
  table(
    {
      name: v.pipe(
        label,
        v.metadata({ description: "unique; in logs and status", not: { const: NET_DEVICES } }),
        v.notValue(NET_DEVICES, "another name: what bundles ask for goes by this one"),
      ),
      required: v.optional(required, true),
      wait: v.optional(wait, "0s"),
      on_exit: v.optional(onExit, "return"),
      container,
      device: v.exactOptional(devices),
      netDevices: v.exactOptional(netDevices),
    },
    [devicesInOneSpelling, noHostDeviceTwice, noNameInsideTwice],
  ),
  v.metadata({ oneOf: [{ required: ["device"] }, { required: ["netDevices"] }] }),
  v.transform(
    ({ name, required, wait, on_exit, container, device = [], netDevices = [] }): Mapping => ({
      name,
      container,
      devices: [...device, ...netDevices],
      required,
      wait,
      onExit: on_exit,
    }),
  ),
);
