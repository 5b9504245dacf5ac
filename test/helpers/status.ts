import * as v from "valibot";

const device = v.looseObject({
  host_name: v.string(),
  name: v.string(),
  ifindex: v.nullable(v.number()),
  mac: v.nullable(v.string()),
  mtu: v.number(),
  addresses: v.array(v.string()),
  state: v.string(),
});

/** One container of `/v1/status`, as part 5 of the contract has it. */
export const containerSchema = v.looseObject({
  id: v.string(),
  pid: v.nullable(v.number()),
  netns: v.nullable(v.string()),
  mapping: v.string(),
  state: v.picklist(["pending", "attaching", "attached", "returning", "stuck"]),
  since: v.unknown(),
  devices: v.array(device),
  warnings: v.array(v.unknown()),
  error: v.unknown(),
});

const homecoming = v.strictObject({
  at: v.pipe(v.string(), v.isoTimestamp(), v.endsWith("Z")),
  container: v.string(),
  mapping: v.string(),
  device: v.string(),
  outcome: v.picklist(["home", "gone"]),
  warnings: v.array(
    v.strictObject({ code: v.string(), message: v.string(), device: v.nullable(v.string()) }),
  ),
});

/** `/v1/status` and `status --json`, as part 5 of the contract has it. */
export const statusSchema = v.looseObject({
  version: v.string(),
  state: v.picklist(["ready", "degraded", "stopping"]),
  config: v.record(v.string(), v.unknown()),
  containers: v.array(containerSchema),
  counters: v.record(v.string(), v.unknown()),
  history: v.array(homecoming),
});

export type Status = v.InferOutput<typeof statusSchema>;
