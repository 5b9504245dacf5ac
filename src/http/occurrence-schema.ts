import * as v from "valibot";
import { deviceStateSchema, list, problemSchema, timestampSchema } from "./schemas.ts";

const text = v.nullable(v.string());
const time = { time: timestampSchema };

/** The data of an event of `/v1/events`: an {@link Occurrence} with its time. */
export const occurrenceSchema = v.variant("type", [
  v.object({
    type: v.picklist(["attached", "unchanged", "returned", "no-mapping", "refused", "failed"]),
    ...time,
    event: v.string(),
    id: text,
    outcome: v.picklist(["attached", "unchanged", "returned", "no-mapping", "refused", "failed"]),
    mapping: text,
    devices: list(
      v.object({ host_name: v.string(), name: v.string(), ifindex: v.pipe(v.number(), v.integer()) }),
    ),
    warnings: list(problemSchema),
    error: v.nullable(problemSchema),
  }),
  v.object({
    type: v.picklist(["pending", "attaching", "adopted", "returning", "stuck", "home", "left-inside"]),
    ...time,
    containers: list(v.string()),
    mapping: v.string(),
    devices: list(v.object({ host_name: v.string(), name: v.string(), state: deviceStateSchema })),
    problem: v.nullable(problemSchema),
  }),
  v.object({
    type: v.literal("warning"),
    ...time,
    message: v.string(),
    code: text,
    container: text,
    device: text,
    mapping: text,
  }),
  v.object({ type: v.literal("started"), ...time, version: v.string() }),
  v.object({ type: v.literal("ready"), ...time }),
  v.object({ type: v.literal("degraded"), ...time, reasons: list(v.string()) }),
  v.object({ type: v.literal("reload"), ...time, taken: v.boolean(), reason: text }),
  v.object({ type: v.literal("stopping"), ...time }),
  v.object({ type: v.literal("missed"), ...time, since: v.string() }),
]);
