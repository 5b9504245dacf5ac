import * as v from "valibot";
import type { ContainerCondition, Mapping } from "../domain/mapping.ts";
import { device } from "./device-schema.ts";
import { devicesInOneSpelling, noHostDeviceTwice, noNameInsideTwice } from "./mapping-rules.ts";
import { netDevices } from "./net-devices-schema.ts";
import { someOf, table, tableOf } from "./table.ts";
import { duration, flag, glob, label } from "./values.ts";

const conditions = {
  id: v.exactOptional(glob),
  // An annotation may be empty, so a pattern for one may be too.
  annotations: v.exactOptional(tableOf(v.string("a text or pattern"))),
  bundle: v.exactOptional(glob),
};

const container = v.pipe(
  table(conditions, [someOf(Object.keys(conditions))]),
  v.transform(
    ({ id, annotations, bundle }): ContainerCondition => ({
      id: id ?? null,
      annotations: annotations ?? {},
      bundle: bundle ?? null,
    }),
  ),
);

/** One `[[mapping]]`. */
export const mapping = v.pipe(
  table(
    {
      name: label,
      required: v.optional(flag, true),
      wait: v.optional(duration, "0s"),
      on_exit: v.optional(v.picklist(["return", "leave"], '"return" or "leave"'), "return"),
      container,
      device: v.exactOptional(v.array(device, "an array of tables ([[mapping.device]])")),
      netDevices: v.exactOptional(netDevices),
    },
    [devicesInOneSpelling, noHostDeviceTwice, noNameInsideTwice],
  ),
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
